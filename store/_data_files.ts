/** Which files belong to a data file: SQLite's own, the journal in front of it, and the lock. */

import { basename, dirname } from "node:path";

/** What follows the data file's name in the names of the files beside it. */
const BESIDE = /^-(?:wal|shm|journal-\d+)$/;

/** The paths of a data file and of all that holds data beside it; none where there is nothing. */
export async function dataFilesOf(path: string): Promise<readonly string[]> {
  const [folder, name] = [dirname(path), basename(path)];
  const found: string[] = [];
  try {
    for await (const entry of Deno.readDir(folder)) {
      if (!entry.name.startsWith(name)) continue;
      const rest = entry.name.slice(name.length);
      if (rest === "" || BESIDE.test(rest)) found.push(`${folder}/${entry.name}`);
    }
  } catch (thrown) {
    if (!(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
  return found;
}

/** Removes a data file, what is beside it, and its lock. */
export async function removeDataFiles(path: string): Promise<void> {
  for (const each of [...await dataFilesOf(path), `${path}-lock`]) {
    await Deno.remove(each).catch(() => {});
  }
}

/** Creates an empty file that only its owner may read. */
export async function createPrivateFile(path: string): Promise<void> {
  (await Deno.open(path, { createNew: true, write: true, mode: 0o600 })).close();
}

/** Waits until a file is on the disk, then gives it its final name. */
export async function publishFile(from: string, to: string): Promise<void> {
  {
    using file = await Deno.open(from, { read: true, write: true });
    await file.sync();
  }
  await Deno.rename(from, to);
}
