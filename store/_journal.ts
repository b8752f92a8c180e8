/**
 * An append-only log of commits in files beside the data file. Appending is one write: a record
 * survives a crash of the process at once, and a crash of the machine once its disk has written it,
 * as with the data file itself. Each file holds the commits between two checkpoints.
 */

import { basename, dirname } from "node:path";
import { crc32 } from "node:zlib";
import { decodeJournalRecord, encodeJournalRecord, type JournalRecord } from "./_journal_record.ts";

/** Before each record: its length and its checksum, 4 bytes each. */
const HEADER_BYTES = 8;
const SUFFIX = "-journal-";

/** Writes the journal of one data file. Not shared between processes. */
export class Journal implements Disposable {
  readonly #path: string;
  #file: Deno.FsFile | undefined;
  /** Number of the current file; they count up. */
  #number: number;
  #size = 0;

  /** @param path of the data file */
  constructor(path: string, { number }: { readonly number: number }) {
    this.#path = path;
    this.#number = number;
  }

  /**
   * Appends a record. Returns its bytes, and the record with values that are the journal's own.
   * Where it throws, nothing is appended.
   *
   * @throws errors of the file system
   */
  append(record: JournalRecord): { readonly size: number; readonly own: JournalRecord } {
    const { bytes, own } = encodeJournalRecord(record, HEADER_BYTES);
    const payload = bytes.subarray(HEADER_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, payload.length);
    view.setUint32(4, crc32(payload));
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
    return { size: bytes.length, own };
  }

  /** Starts a new file, and returns the number of the one before. */
  rotate(): number {
    this[Symbol.dispose]();
    return this.#number++;
  }

  /** Removes the file with this number, and all before it. */
  async removeUpTo(number: number): Promise<void> {
    for (const each of numbersOf(this.#path)) {
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
 * Locks a data file and its journal until the lock is disposed of or the process ends. Returns
 * `undefined` where another process has the lock.
 */
export function lockJournal(path: string): Disposable | undefined {
  const file = Deno.openSync(`${path}-lock`, { create: true, write: true });
  if (file.tryLockSync(true)) return file;
  file.close();
  return undefined;
}

/** Opens the journal of a data file for appending, in a new file. */
export function openJournal(path: string): Journal {
  return new Journal(path, { number: (numbersOf(path).at(-1) ?? 0) + 1 });
}

/** Yields every record in the journal of a data file, in order, file by file. */
export async function* readJournal(path: string): AsyncGenerator<JournalRecord> {
  for (const number of numbersOf(path)) {
    yield* unframe(await Deno.readFile(fileName(path, number)));
  }
}

/** The files of a journal that another process writes, held open so that they stay readable. */
export interface HeldJournal extends Disposable {
  readonly files: readonly HeldJournalFile[];
}

interface HeldJournalFile extends Disposable {
  readonly number: number;
  /** Its bytes when it was opened. */
  readonly size: number;
  /** Copies those bytes to the file with the same number of another data file. */
  copyTo(path: string): void;
}

/**
 * Opens every file of a journal for reading; returns `undefined` where one was removed meanwhile.
 * Takes no lock and never waits, so it does not disturb the process that writes.
 */
export function holdJournal(path: string): HeldJournal | undefined {
  using opened = new DisposableStack();
  try {
    const files = numbersOf(path).map((number) => opened.use(hold(path, number)));
    const held = opened.move();
    return { files, [Symbol.dispose]: () => held.dispose() };
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
        if (read === null) {
          throw new Error(`Cannot copy ${fileName(path, number)}: it became shorter meanwhile`);
        }
        for (let at = 0; at < read;) at += copy.writeSync(buffer.subarray(at, read));
        left -= read;
      }
    },
    [Symbol.dispose]: () => file.close(),
  };
}

/** Stops at a damaged record: a killed process may leave part of its last one, never confirmed. */
function* unframe(bytes: Uint8Array): Generator<JournalRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const from = at + HEADER_BYTES;
    const payload = bytes.subarray(from, from + view.getUint32(at));
    if (payload.length < view.getUint32(at) || crc32(payload) !== view.getUint32(at + 4)) return;
    yield decodeJournalRecord(payload);
    at = from + payload.length;
  }
}

/** Returns the numbers of the files, in order. */
function numbersOf(path: string): readonly number[] {
  const prefix = basename(path) + SUFFIX;
  return [...Deno.readDirSync(dirname(path))].filter(({ name }) => name.startsWith(prefix))
    .map(({ name }) => Number(name.slice(prefix.length)))
    .filter(Number.isSafeInteger)
    .sort((a, b) => a - b);
}

function fileName(path: string, number: number): string {
  return `${path}${SUFFIX}${number}`;
}
