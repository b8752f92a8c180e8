/** Finds, creates and removes the files of a data file: SQLite's own, the journal and the lock. */

import { basename, dirname } from "node:path";
import { ifFound } from "../core/if_found.ts";

/** The suffixes of the files beside a data file. */
const SUFFIX = /^-(?:wal|shm|journal-\d+)$/;

/** Returns the paths of a data file and of the files with data beside it, if they exist. */
export async function dataFilesOf(path: string): Promise<readonly string[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const entries = await ifFound(Array.fromAsync(Deno.readDir(folder))) ?? [];
  return entries.filter((entry) => {
    const rest = entry.name.slice(name.length);
    return entry.name.startsWith(name) && (rest === "" || SUFFIX.test(rest));
  }).map((entry) => `${folder}/${entry.name}`);
}

/** Removes a data file, the files with data beside it, and its lock. */
export async function removeDataFiles(path: string): Promise<void> {
  for (const each of [...await dataFilesOf(path), `${path}-lock`]) {
    await Deno.remove(each).catch(() => {});
  }
}

/** Creates an empty file that only its owner may read. */
export async function createPrivateFile(path: string): Promise<void> {
  (await Deno.open(path, { createNew: true, write: true, mode: 0o600 })).close();
}

/** Syncs a file to the disk, then renames it. */
export async function publishFile(from: string, to: string): Promise<void> {
  {
    using file = await Deno.open(from, { read: true, write: true });
    await file.sync();
  }
  await Deno.rename(from, to);
}
