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

/** One file of a journal that another process writes, held open so that its content stays. */
export interface HeldJournalFile extends Disposable {
  readonly number: number;
  /** Bytes that it had when it was opened. */
  readonly size: number;
  /** Writes those bytes to the same place in the journal of another data file. */
  copyTo(path: string): void;
}

/**
 * Opens every file of a journal for reading; `undefined` where one was removed meanwhile. Takes no
 * lock and waits for nothing, so that the process that writes does not notice.
 */
export function holdJournal(path: string): readonly HeldJournalFile[] | undefined {
  using opened = new DisposableStack();
  try {
    const files = numbersOfSync(path).map((number) => opened.use(hold(path, number)));
    opened.move();
    return files;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return undefined;
    throw thrown;
  }
}

function hold(path: string, number: number): HeldJournalFile {
  const file = Deno.openSync(fileName(path, number));
  const { size } = file.statSync();
  return {
    number,
    size,
    copyTo(target) {
      using copy = Deno.openSync(fileName(target, number), {
        createNew: true,
        write: true,
        mode: 0o600,
      });
      const buffer = new Uint8Array(1024 * 1024);
      for (let left = size; left > 0;) {
        const read = file.readSync(buffer.subarray(0, Math.min(left, buffer.length)));
        if (read === null) throw new Error(`Cannot copy ${fileName(path, number)}: it got shorter`);
        for (let at = 0; at < read;) at += copy.writeSync(buffer.subarray(at, read));
        left -= read;
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
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
  return numbersIn(path, await Array.fromAsync(Deno.readDir(folderOf(path))));
}

/** In order. */
function numbersOfSync(path: string): readonly number[] {
  return numbersIn(path, [...Deno.readDirSync(folderOf(path))]);
}

function numbersIn(path: string, entries: readonly Deno.DirEntry[]): readonly number[] {
  const prefix = path.slice(path.lastIndexOf("/") + 1) + SUFFIX;
  return entries.filter(({ name }) => name.startsWith(prefix))
    .map(({ name }) => Number(name.slice(prefix.length)))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : path.slice(0, slash + 1);
}

function fileName(path: string, number: number): string {
  return `${path}${SUFFIX}${number}`;
}
