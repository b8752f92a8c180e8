/**
 * Puts a backup where a service will look for its data file. Never overwrites anything: what is
 * there must be moved away first, and a service that uses the place must be stopped.
 */

import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { messageOf, ServiceError } from "../core/errors.ts";
import { createPrivateFile, dataFilesOf, publishFile, removeDataFiles } from "./_data_files.ts";
import { lockJournal } from "./_journal.ts";

/** Paths of data files. */
export interface RestoreFileOptions {
  /** A backup, which stays. */
  readonly from: string;
  /** Where the service expects its data file. */
  readonly to: string;
}

/**
 * Restores a backup; resolves with the bytes of the data file.
 *
 * @throws {ServiceError} `store_unavailable` where the target is in use or not empty, or the
 * backup is damaged; the target is as it was then
 */
export async function restoreDataFile({ from, to }: RestoreFileOptions): Promise<number> {
  const partial = `${to}-partial`;
  try {
    await Deno.mkdir(dirname(to), { recursive: true });
    // A start would find the target half-way, and a running service believes that it is its own.
    using lock = lockJournal(to);
    if (lock === undefined) throw new Error("a service uses the target: stop it first");
    const [existing] = await dataFilesOf(to);
    if (existing !== undefined) throw new Error(`${existing} exists: move it away first`);
    await removeDataFiles(partial); // of a restore that was broken off
    try {
      await createPrivateFile(partial);
      await copyContent(from, partial);
      checkDatabase(partial);
      await publishFile(partial, to);
    } finally {
      await removeDataFiles(partial);
    }
    const { size } = await Deno.stat(to);
    return size;
  } catch (cause) {
    const message = `Cannot restore ${from} to ${to}: ${messageOf(cause)}`;
    throw new ServiceError("store_unavailable", message, { cause });
  }
}

/** Unlike a copy of the file, keeps the mode that the target has. */
async function copyContent(from: string, to: string): Promise<void> {
  const source = await Deno.open(from);
  const target = await Deno.open(to, { write: true });
  await source.readable.pipeTo(target.writable);
}

/** @throws {Error} where SQLite finds something wrong with the file */
function checkDatabase(path: string): void {
  const database = new DatabaseSync(path);
  try {
    const row = database.prepare("PRAGMA integrity_check(1)").get();
    const [answer] = Object.values(row ?? {});
    if (answer !== "ok") throw new Error(`the backup is damaged: ${answer}`);
  } finally {
    database.close();
  }
}
