/**
 * An append-only log of commits in files beside the data file. Appending is one write: what was
 * appended outlives the process at once, and the machine's death as far as its disks have got, as
 * with the data file itself. Each file holds what came between two checkpoints.
 */

import { deserialize, serialize } from "node:v8";
import { crc32 } from "node:zlib";
import type { StoreKey } from "../core/store.ts";

/** One commit, as it is appended. */
export interface JournalRecord {
  readonly sets: readonly JournalSet[];
  readonly deletes: readonly StoreKey[];
}

/** A record that is set; `expiresAt` in epoch milliseconds. */
export interface JournalSet {
  readonly key: StoreKey;
  readonly value: unknown;
  readonly expiresAt?: number;
}

/** Before each record: its length and its checksum, 4 bytes each. */
const HEADER_BYTES = 8;
const SUFFIX = "-journal-";

/** The files of one data file. Not shared between processes. */
export class Journal implements Disposable {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  /** Of the file that is appended to; files count up. */
  #number: number;
  #size = 0;

  /** @param path of the data file */
  constructor(path: string, { number }: { readonly number: number }) {
    this.#path = path;
    this.#number = number;
  }

  /** The file that is appended to. */
  get number(): number {
    return this.#number;
  }

  /**
   * Appends a record: all of it or, where it throws, nothing.
   *
   * @throws what the file system says
   */
  append(record: JournalRecord): number {
    const bytes = frame(serialize(record));
    const file = this.#file ??= Deno.openSync(fileName(this.#path, this.#number), {
      create: true,
      append: true,
      write: true,
    });
    try {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
    } catch (thrown) {
      file.truncateSync(this.#size);
      throw thrown;
    }
    this.#size += bytes.length;
    return bytes.length;
  }

  /** Goes on in a new file; the number of the one before. */
  rotate(): number {
    this[Symbol.dispose]();
    return this.#number++;
  }

  /** Removes a file, and all before it. */
  async removeUpTo(number: number): Promise<void> {
    for (const each of await numbersOf(this.#path)) {
      if (each <= number) await Deno.remove(fileName(this.#path, each));
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#file = undefined;
    this.#size = 0;
  }
}

/**
 * Keeps other processes from a data file and its journal for as long as the lock is open, and the
 * process alive; `undefined` where another one has it.
 */
export function lockJournal(path: string): Disposable | undefined {
  const file = Deno.openSync(`${path}-lock`, { create: true, write: true });
  if (file.tryLockSync(true)) return file;
  file.close();
  return undefined;
}

/** Opens the journal of a data file for appending, behind everything that it has. */
export async function openJournal(path: string): Promise<Journal> {
  return new Journal(path, { number: ((await numbersOf(path)).at(-1) ?? 0) + 1 });
}

/** Every record that the journal of a data file has, in order, file by file. */
export async function* readJournal(path: string): AsyncGenerator<JournalRecord> {
  for (const number of await numbersOf(path)) {
    yield* unframe(await Deno.readFile(fileName(path, number)));
  }
}

function frame(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length);
  view.setUint32(4, crc32(payload));
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

/** A process that was killed may have left part of its last record, which nobody was promised. */
function* unframe(bytes: Uint8Array): Generator<JournalRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const from = at + HEADER_BYTES;
    const payload = bytes.subarray(from, from + view.getUint32(at));
    if (payload.length < view.getUint32(at) || crc32(payload) !== view.getUint32(at + 4)) return;
    yield deserialize(payload);
    at = from + payload.length;
  }
}

/** In order. */
async function numbersOf(path: string): Promise<readonly number[]> {
  const slash = path.lastIndexOf("/");
  const folder = slash < 0 ? "." : path.slice(0, slash + 1);
  const prefix = path.slice(slash + 1) + SUFFIX;
  const numbers: number[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    const number = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : NaN;
    if (Number.isSafeInteger(number)) numbers.push(number);
  }
  return numbers.sort((a, b) => a - b);
}

function fileName(path: string, number: number): string {
  return `${path}${SUFFIX}${number}`;
}
