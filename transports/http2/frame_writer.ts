/**
 * Collects outgoing frames in one buffer, so that a thousand requests of one event loop iteration
 * are one write. Header blocks do not use the dynamic table (HPACK literals never indexed), as
 * Apple asks for headers that differ from push to push, so there is no table to keep in sync with
 * the peer.
 */

import type { HeaderFields } from "../http/mod.ts";
import type { Frame } from "./frame_reader.ts";
import { FLAG, FRAME, FRAME_HEADER_BYTES, PREFACE } from "./frames.ts";
import { STATIC_INDEX } from "./_static_table.ts";

const INITIAL_BYTES = 16 * 1024;
const MAX_KEPT_BYTES = 1024 * 1024;
/** HPACK: `:method: POST`, `:scheme: https`; the names of `:authority` and `:path` by index. */
const METHOD_POST = 0x83;
const SCHEME_HTTPS = 0x87;
const AUTHORITY = STATIC_INDEX.get(":authority")!;
const PATH = STATIC_INDEX.get(":path")!;
const CONTENT_LENGTH = STATIC_INDEX.get("content-length")!;
/** A literal that no proxy may index either, as tokens are among the headers (RFC 7541 §7.1.3). */
const NEVER_INDEXED = 0x10;
const encoder = new TextEncoder();

interface RequestHead {
  readonly authority: string;
  readonly path: string;
  /** Bytes of the body. */
  readonly contentLength: number;
  /** Values in Latin-1. */
  readonly headers: HeaderFields;
  /** Those that other requests have, too, in the same object: they are encoded once. */
  readonly commonHeaders?: HeaderFields | undefined;
}

/** How much of a body was written. */
interface Written {
  readonly sent: number;
  /** The rest; undefined after the end of the body. */
  readonly unsent: Uint8Array | undefined;
}

/** Encodes frames into one output buffer. */
export class FrameWriter {
  #bytes = new Uint8Array(INITIAL_BYTES);
  /** The last buffer that was taken, for reuse. */
  #spare: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  readonly #common = new WeakMap<HeaderFields, Uint8Array>();

  /** Bytes that wait to be sent. */
  get length(): number {
    return this.#length;
  }

  /** Takes all bytes written so far; {@link recycle} takes the buffer back once they are sent. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = this.#spare ?? new Uint8Array(INITIAL_BYTES);
    this.#spare = undefined;
    this.#length = 0;
    return taken;
  }

  /** Takes a buffer back. A buffer that a burst made large is dropped. */
  recycle(taken: Uint8Array<ArrayBuffer>): void {
    if (taken.buffer.byteLength <= MAX_KEPT_BYTES) this.#spare = new Uint8Array(taken.buffer);
  }

  /** Writes what a client sends before its first frame. */
  preface(): void {
    this.#reserve(PREFACE.length);
    this.#length += encoder.encodeInto(PREFACE, this.#bytes.subarray(this.#length)).written;
  }

  /** Writes a frame whose payload is 32-bit integers: RST_STREAM, WINDOW_UPDATE, GOAWAY. */
  numbers(type: number, stream: number, numbers: readonly number[]): void {
    this.#reserve(FRAME_HEADER_BYTES + 4 * numbers.length);
    this.#frameHeader({ length: 4 * numbers.length, type, flags: 0, stream });
    for (const number of numbers) this.#uint32(number);
  }

  /** Writes a SETTINGS frame. */
  settings(settings: readonly (readonly [id: number, value: number])[]): void {
    this.#reserve(FRAME_HEADER_BYTES + 6 * settings.length);
    const length = 6 * settings.length;
    this.#frameHeader({ length, type: FRAME.SETTINGS, flags: 0, stream: 0 });
    for (const [id, value] of settings) {
      this.#bytes[this.#length++] = id >> 8;
      this.#bytes[this.#length++] = id;
      this.#uint32(value);
    }
  }

  /** Writes any other frame. */
  frame({ type, flags, stream, payload }: Frame): void {
    this.#reserve(FRAME_HEADER_BYTES + payload.length);
    this.#frameHeader({ length: payload.length, type, flags, stream });
    this.#bytes.set(payload, this.#length);
    this.#length += payload.length;
  }

  /**
   * Writes the head of a request, in frames of at most `maxFrame` bytes.
   *
   * @throws {TypeError} for a header that cannot be sent; nothing is written then.
   */
  request(
    stream: number,
    { authority, path, contentLength, headers, commonHeaders }: RequestHead,
    maxFrame: number,
  ): void {
    const start = this.#length;
    try {
      this.#reserve(FRAME_HEADER_BYTES + 16);
      this.#length += FRAME_HEADER_BYTES;
      this.#bytes[this.#length++] = METHOD_POST;
      this.#bytes[this.#length++] = SCHEME_HTTPS;
      this.#literal(AUTHORITY, authority);
      this.#literal(PATH, path);
      this.#literal(CONTENT_LENGTH, String(contentLength));
      if (commonHeaders) this.#commonFields(commonHeaders);
      this.#fields(headers);
    } catch (error) {
      this.#length = start;
      throw error;
    }
    const size = this.#length - start - FRAME_HEADER_BYTES;
    if (size > maxFrame) return this.#split(start, { stream, size, maxFrame });
    const end = this.#length;
    this.#length = start;
    const flags = FLAG.END_HEADERS;
    this.#frameHeader({ length: size, type: FRAME.HEADERS, flags, stream });
    this.#length = end;
  }

  /** Writes as much of a body as the window allows. */
  data(
    stream: number,
    bytes: Uint8Array,
    { window, maxFrame }: { readonly window: number; readonly maxFrame: number },
  ): Written {
    for (let sent = 0;;) {
      const left = bytes.length - sent;
      const length = Math.min(left, window - sent, maxFrame);
      if (length === 0 && left > 0) return { sent, unsent: bytes.subarray(sent) };
      this.#reserve(FRAME_HEADER_BYTES + length);
      const flags = length === left ? FLAG.END_STREAM : 0;
      this.#frameHeader({ length, type: FRAME.DATA, flags, stream });
      const part = length === bytes.length ? bytes : bytes.subarray(sent, sent + length);
      this.#bytes.set(part, this.#length);
      this.#length += length;
      sent += length;
      if (sent === bytes.length) return { sent, unsent: undefined };
    }
  }

  /** Splits a HEADERS frame that is too long into HEADERS and CONTINUATION frames. */
  #split(
    start: number,
    { stream, size, maxFrame }: { stream: number; size: number; maxFrame: number },
  ): void {
    const block = this.#bytes.slice(start + FRAME_HEADER_BYTES, this.#length);
    this.#length = start;
    for (let at = 0; at < size; at += maxFrame) {
      const length = Math.min(maxFrame, size - at);
      this.#reserve(FRAME_HEADER_BYTES + length);
      const type = at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION;
      const flags = at + length === size ? FLAG.END_HEADERS : 0;
      this.#frameHeader({ length, type, flags, stream });
      this.#bytes.set(block.subarray(at, at + length), this.#length);
      this.#length += length;
    }
  }

  #commonFields(headers: HeaderFields): void {
    const known = this.#common.get(headers);
    if (known) {
      this.#reserve(known.length);
      this.#bytes.set(known, this.#length);
      this.#length += known.length;
    } else {
      const start = this.#length;
      this.#fields(headers);
      this.#common.set(headers, this.#bytes.slice(start, this.#length));
    }
  }

  #fields(headers: HeaderFields): void {
    for (const name in headers) {
      const index = STATIC_INDEX.get(name);
      if (index !== undefined) this.#literal(index, headers[name]!);
      else this.#namedLiteral(name, headers[name]!);
    }
  }

  #literal(nameIndex: number, value: string): void {
    this.#reserve(value.length + 16);
    this.#integer(nameIndex, { prefixBits: 4, first: NEVER_INDEXED });
    this.#value(value);
  }

  #namedLiteral(name: string, value: string): void {
    this.#reserve(name.length + value.length + 16);
    this.#bytes[this.#length++] = NEVER_INDEXED;
    this.#integer(name.length, { prefixBits: 7, first: 0 });
    this.#latin1(name);
    this.#value(value);
  }

  #value(value: string): void {
    this.#integer(value.length, { prefixBits: 7, first: 0 });
    this.#latin1(value);
  }

  /** Writes an HPACK integer (RFC 7541 §5.1). */
  #integer(
    value: number,
    { prefixBits, first }: { readonly prefixBits: number; readonly first: number },
  ): void {
    const most = (1 << prefixBits) - 1;
    if (value < most) {
      this.#bytes[this.#length++] = first | value;
      return;
    }
    this.#bytes[this.#length++] = first | most;
    let rest = value - most;
    for (; rest >= 128; rest = Math.floor(rest / 128)) {
      this.#bytes[this.#length++] = rest & 127 | 128;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Rejects characters that would end a header where a proxy forwards it over HTTP/1.1. */
  #latin1(text: string): void {
    const bytes = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0xff || code === 0 || code === 10 || code === 13) {
        throw new TypeError(
          "Cannot send a header: it contains characters that headers must not have",
        );
      }
      bytes[at++] = code;
    }
    this.#length = at;
  }

  #frameHeader(
    { length, type, flags, stream }: {
      readonly length: number;
      readonly type: number;
      readonly flags: number;
      readonly stream: number;
    },
  ): void {
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = length >> 16;
    bytes[at++] = length >> 8;
    bytes[at++] = length;
    bytes[at++] = type;
    bytes[at++] = flags;
    this.#length = at;
    this.#uint32(stream);
  }

  #uint32(value: number): void {
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = value >>> 24;
    bytes[at++] = value >>> 16;
    bytes[at++] = value >>> 8;
    bytes[at++] = value;
    this.#length = at;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}
