/**
 * Backs up the embedded store while a service uses it. The copy is what a `kill -9` at one moment
 * would have left, in a single data file, so it has everything that was confirmed before the backup
 * began. `docs/decisions/backup_while_running.md` says why that holds.
 */

import { backup as copyDatabase, DatabaseSync } from "node:sqlite";
import { dirname } from "node:path";
import { messageOf, ServiceError } from "../core/errors.ts";
import { createPrivateFile, dataFilesOf, publishFile, removeDataFiles } from "./_data_files.ts";
import { type HeldJournal, holdJournal } from "./_journal.ts";
import type { KvStoreOptions } from "./kv_store.ts";
import { openStore } from "./open.ts";

/** Settings of a backup; `from` and `to` are paths of data files. */
interface BackupOptions extends KvStoreOptions {
  readonly from: string;
  /** Must not exist. */
  readonly to: string;
}

/** How often to look for a moment in which nothing is appended to the journal. */
const MAX_ATTEMPTS = 10_000;
/** How long to wait for SQLite: a service that is just starting locks the file for a moment. */
const BUSY_MS = 10_000;
/** Pages that SQLite copies before it yields to the event loop. */
const PAGES_AT_ONCE = 1000;

/**
 * Backs up a data file that may be in use, and returns the bytes of the copy.
 *
 * @throws {ServiceError} `store_unavailable`, with what to do about it; leaves no partial copy
 */
export async function backUpDataFile(options: BackupOptions): Promise<number> {
  const { from, to } = options;
  if (!(await dataFilesOf(from)).length) throw failed("there is no data file", options);
  if ((await dataFilesOf(to)).length) throw failed("the target exists: choose another", options);
  // Under another name until it is complete, so that no partial copy looks like a backup.
  const partial = `${to}-partial`;
  try {
    await Deno.mkdir(dirname(to), { recursive: true });
    await createPrivateFile(partial);
  } catch (cause) {
    const why = cause instanceof Deno.errors.AlreadyExists
      ? `${partial} exists: remove it unless another backup is under way`
      : messageOf(cause);
    throw failed(why, { ...options, cause });
  }
  try {
    await copyMoment(from, partial);
    // Brings the copied journal into the copied data file, as a start does.
    await (await openStore(`kv:${partial}`, options))[Symbol.asyncDispose]();
    await publishFile(partial, to);
    const { size } = await Deno.stat(to);
    return size;
  } catch (cause) {
    throw failed(messageOf(cause), { ...options, cause });
  } finally {
    await removeDataFiles(partial);
  }
}

/** Copies the data file and its journal in their state of one moment. */
async function copyMoment(from: string, to: string): Promise<void> {
  using source = new DatabaseSync(from, { readOnly: true, timeout: BUSY_MS });
  {
    using journal = holdMoment(source, from);
    for (const file of journal.files) file.copyTo(to);
  }
  // Reads the state that the transaction sees, not what is written meanwhile.
  await copyDatabase(source, to, { rate: PAGES_AT_ONCE });
}

/**
 * Begins a read transaction on the data file and opens the journal of the same moment: its files
 * are the same directly before and directly after.
 */
function holdMoment(source: DatabaseSync, path: string): HeldJournal {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    using before = new DisposableStack();
    const journal = holdJournal(path);
    if (journal === undefined) continue;
    before.use(journal);
    source.exec("BEGIN");
    // The transaction begins with the first read.
    source.prepare("SELECT count(*) FROM sqlite_schema").get();
    using after = holdJournal(path);
    if (after !== undefined && isSame(journal, after)) {
      before.move();
      return journal;
    }
    source.exec("ROLLBACK");
  }
  throw new Error("the service writes without a pause; try again when it is less busy");
}

function isSame({ files: a }: HeldJournal, { files: b }: HeldJournal): boolean {
  return a.length === b.length &&
    a.every(({ number, size }, at) => number === b[at]!.number && size === b[at]!.size);
}

function failed(
  why: string,
  { from, to, cause }: Pick<BackupOptions, "from" | "to"> & { readonly cause?: unknown },
): ServiceError {
  const message = `Cannot back up ${from} to ${to}: ${why}`;
  return new ServiceError("store_unavailable", message, { cause });
}
