/**
 * Decodes header blocks (HPACK, RFC 7541). It mirrors the peer's dynamic table, so it must decode
 * every block of a connection in order, even of cancelled requests.
 */

import { decodeHuffman } from "./_huffman.ts";
import { STATIC_TABLE } from "./_static_table.ts";

/** A block that violates HPACK; the connection cannot continue. */
export class HpackError extends Error {
  override readonly name = "HpackError";
}

/** The size of an entry in addition to its bytes (RFC 7541 §4.1). */
const ENTRY_OVERHEAD = 32;

/** Decodes the header blocks of one connection. */
export class HpackDecoder {
  readonly #maxTableSize: number;
  readonly #maxListSize: number;
  /** Newest first. */
  readonly #table: (readonly [name: string, value: string])[] = [];
  #tableSize = 0;
  #tableLimit: number;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  constructor({ maxTableSize, maxListSize }: {
    /** Bytes of the dynamic table, as announced in SETTINGS_HEADER_TABLE_SIZE. */
    readonly maxTableSize: number;
    /** The most bytes of the decoded headers of one block. */
    readonly maxListSize: number;
  }) {
    this.#maxTableSize = this.#tableLimit = maxTableSize;
    this.#maxListSize = maxListSize;
  }

  /**
   * Decodes a block into name, value, name, value, … Characters are bytes (Latin-1).
   *
   * @throws {HpackError} for a block that violates HPACK or is too long.
   */
  decode(block: Uint8Array): string[] {
    this.#bytes = block;
    this.#at = 0;
    this.#end = block.length;
    const list: string[] = [];
    let size = 0;
    while (this.#at < this.#end) {
      const first = block[this.#at]!;
      let entry: readonly [name: string, value: string];
      if ((first & 0x80) !== 0) {
        entry = this.#entry(this.#integer(7));
      } else if ((first & 0xe0) === 0x20) {
        if (list.length > 0) throw new HpackError("a table size update follows a header");
        this.#resize(this.#integer(5));
        continue;
      } else {
        const indexed = (first & 0x40) !== 0;
        const index = this.#integer(indexed ? 6 : 4);
        const name = index === 0 ? this.#text() : this.#entry(index)[0];
        entry = [name, this.#text()];
        if (indexed) this.#add(entry);
      }
      size += entry[0].length + entry[1].length + ENTRY_OVERHEAD;
      if (size > this.#maxListSize) throw new HpackError("the headers are too long");
      list.push(entry[0], entry[1]);
    }
    return list;
  }

  /** Reads an integer whose first bits share a byte with other data (RFC 7541 §5.1). */
  #integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0) return value;
    }
    throw new HpackError("a number is too large");
  }

  #text(): string {
    if (this.#at >= this.#end) throw new HpackError("the block ends within a header");
    const huffman = (this.#bytes[this.#at]! & 0x80) !== 0;
    const length = this.#integer(7);
    const start = this.#at;
    const end = start + length;
    if (end > this.#end) throw new HpackError("a text is longer than its block");
    this.#at = end;
    if (!huffman) return latin1(this.#bytes, { start, end });
    const text = decodeHuffman(this.#bytes.subarray(start, end));
    if (text === undefined) throw new HpackError("a text is not in the Huffman code");
    return text;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new HpackError("the block ends within a number");
    return this.#bytes[this.#at++]!;
  }

  #entry(index: number): readonly [name: string, value: string] {
    const entry = index <= STATIC_TABLE.length
      ? STATIC_TABLE[index - 1]
      : this.#table[index - STATIC_TABLE.length - 1];
    if (!entry) throw new HpackError("an index is in no table");
    return entry;
  }

  #add(entry: readonly [name: string, value: string]): void {
    this.#table.unshift(entry);
    this.#tableSize += sizeOf(entry);
    this.#evict();
  }

  #resize(limit: number): void {
    if (limit > this.#maxTableSize) throw new HpackError("the table would be larger than allowed");
    this.#tableLimit = limit;
    this.#evict();
  }

  #evict(): void {
    while (this.#tableSize > this.#tableLimit) this.#tableSize -= sizeOf(this.#table.pop()!);
  }
}

function sizeOf([name, value]: readonly [name: string, value: string]): number {
  return name.length + value.length + ENTRY_OVERHEAD;
}

function latin1(
  bytes: Uint8Array,
  { start, end }: { readonly start: number; readonly end: number },
): string {
  let text = "";
  for (let at = start; at < end; at++) text += String.fromCharCode(bytes[at]!);
  return text;
}
