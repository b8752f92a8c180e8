/**
 * Finds damage in a data file before anything opens it: flipped bytes, a part that is missing, a
 * write-ahead log that was cut. SQLite itself says nothing about a log that ends too early; it
 * drops what comes after the first frame that is wrong. Reads only, and changes nothing.
 */

import { DatabaseSync } from "node:sqlite";
import { messageOf } from "../core/errors.ts";
import { ifFound } from "../core/if_found.ts";

/** What is wrong with a data file. */
export interface FileDamage {
  /** `fatal`: the file must not be used. `warning`: the last commits may be missing. */
  readonly severity: "fatal" | "warning";
  readonly file: string;
  readonly message: string;
}

/** What SQLite says of a write-ahead log (https://sqlite.org/fileformat2.html#walformat). */
const WAL_HEADER = 32;
const FRAME_HEADER = 24;
const WAL_MAGIC = 0x377f0682;
/** Ones that SQLite names; the rest would fill a log. */
const FAULTS_SHOWN = 5;

/** Checks a data file that no process uses; nothing where there is no file. */
export async function checkDataFile(path: string): Promise<readonly FileDamage[]> {
  const file = await ifFound(Deno.stat(path));
  const wal = `${path}-wal`;
  const found = walDamage(wal, await ifFound(Deno.readFile(wal)));
  // Of what is no file, opening says so.
  if (!file?.isFile || file.size === 0) return found;
  const wrong = found.some(({ severity }) => severity === "fatal") ? [] : pageDamage(path);
  return [...found, ...wrong];
}

/** What to do about damage, for the one who starts the service. */
export function damageText(path: string, damage: readonly FileDamage[]): string {
  const what = damage.map(({ file, message }) => `${file}: ${message}`).join("; ");
  return `Cannot open the data file ${path}: it is damaged (${what}). Stop the service, move ` +
    `${path} and all files beside it (${path}-wal, ${path}-shm, ${path}-journal-*) to another ` +
    `folder, and restore the last backup: deno task restore <backup> ${path}. ` +
    `Without a backup, start with an empty store and keep the damaged files: ` +
    `'deno task restore --salvage <damaged file> ${path}' reads what can still be read`;
}

function pageDamage(path: string): readonly FileDamage[] {
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    // Reads every page once; unlike `integrity_check` it does not compare indexes with tables.
    const rows = database.prepare(`PRAGMA quick_check(${FAULTS_SHOWN})`).all();
    return rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== "ok")
      .map((text) => ({ severity: "fatal", file: path, message: text.replaceAll("\n", ", ") }));
  } catch (cause) {
    return [{ severity: "fatal", file: path, message: messageOf(cause) }];
  }
}

/** Pure: what the bytes of a write-ahead log say. */
export function walDamage(file: string, bytes: Uint8Array | undefined): readonly FileDamage[] {
  if (bytes === undefined || bytes.length === 0) return [];
  const warning = (message: string): readonly FileDamage[] => [{
    ...{ severity: "warning", file },
    message: `${message}; what was committed there last is missing`,
  }];
  const fatal = (message: string): readonly FileDamage[] => [{ severity: "fatal", file, message }];
  if (bytes.length < WAL_HEADER) return warning("the write-ahead log is cut within its header");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if ((view.getUint32(0) & ~1) >>> 0 !== WAL_MAGIC) {
    return fatal("the write-ahead log does not begin as one does");
  }
  const sums = new Checksum(view, (view.getUint32(0) & 1) === 0);
  sums.add(0, 24);
  if (!sums.matches(24)) return fatal("the header of the write-ahead log has a wrong checksum");
  const pageSize = view.getUint32(8);
  const frameSize = FRAME_HEADER + pageSize;
  for (let at = WAL_HEADER; at < bytes.length; at += frameSize) {
    const number = (at - WAL_HEADER) / frameSize + 1;
    if (at + frameSize > bytes.length) {
      return warning(`the write-ahead log is cut within frame ${number}`);
    }
    // Frames of an earlier generation follow where the log was begun again: nobody needs them.
    if (!sameSalt(view, at)) break;
    sums.add(at, 8);
    sums.add(at + FRAME_HEADER, pageSize);
    if (!sums.matches(at + 16)) {
      const rest = remainingFrames(view, { at: at + frameSize, frameSize });
      if (rest === 0) return warning(`frame ${number} of the write-ahead log is incomplete`);
      return fatal(
        `frame ${number} of the write-ahead log has a wrong checksum, and ${rest} frames with ` +
          `commits follow, which would be lost`,
      );
    }
    // Only the last frame of a transaction has the size of the database.
    if (view.getUint32(at + 4) === 0 && at + frameSize >= bytes.length) {
      return warning("the write-ahead log is cut within a transaction");
    }
  }
  return [];
}

/** Frames of this generation from here on. */
function remainingFrames(
  view: DataView,
  { at, frameSize }: { readonly at: number; readonly frameSize: number },
): number {
  let count = 0;
  for (let next = at; next + frameSize <= view.byteLength && sameSalt(view, next);) {
    count++;
    next += frameSize;
  }
  return count;
}

function sameSalt(view: DataView, frame: number): boolean {
  return view.getUint32(frame + 8) === view.getUint32(16) &&
    view.getUint32(frame + 12) === view.getUint32(20);
}

/** The running checksum of a log: two sums over pairs of 32-bit words. */
class Checksum {
  readonly #view: DataView;
  readonly #littleEndian: boolean;
  #first = 0;
  #second = 0;

  constructor(view: DataView, littleEndian: boolean) {
    this.#view = view;
    this.#littleEndian = littleEndian;
  }

  add(from: number, length: number): void {
    const view = this.#view;
    const little = this.#littleEndian;
    let [first, second] = [this.#first, this.#second];
    for (let at = from; at < from + length; at += 8) {
      first = (first + view.getUint32(at, little) + second) >>> 0;
      second = (second + view.getUint32(at + 4, little) + first) >>> 0;
    }
    this.#first = first;
    this.#second = second;
  }

  matches(at: number): boolean {
    return this.#view.getUint32(at) === this.#first &&
      this.#view.getUint32(at + 4) === this.#second;
  }
}
