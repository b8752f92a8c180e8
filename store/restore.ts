/**
 * Restores a backup to the path of a data file. Never overwrites: files at that path must be moved
 * away first, and a service that uses it must be stopped.
 */

import { DatabaseSync } from "node:sqlite";
import { fillEmptyTarget } from "./_empty_target.ts";

interface RestoreFileOptions {
  /** The backup, which is kept. */
  readonly from: string;
  /** The data file of the service. */
  readonly to: string;
}

/**
 * Restores a backup, and returns the bytes of the data file.
 *
 * @throws {ServiceError} `store_unavailable` where the target is in use or not empty, or the
 * backup is damaged; the target is unchanged then
 */
export function restoreDataFile({ from, to }: RestoreFileOptions): Promise<number> {
  return fillEmptyTarget(to, {
    what: `restore ${from}`,
    write: async (partial) => {
      await copyContent(from, partial);
      checkDatabase(partial);
      return (await Deno.stat(partial)).size;
    },
  });
}

/** Unlike `Deno.copyFile`, keeps the mode of the target. */
async function copyContent(from: string, to: string): Promise<void> {
  const source = await Deno.open(from);
  const target = await Deno.open(to, { write: true });
  await source.readable.pipeTo(target.writable);
}

/** @throws {Error} where SQLite finds the file damaged */
function checkDatabase(path: string): void {
  using database = new DatabaseSync(path);
  const row = database.prepare("PRAGMA integrity_check(1)").get();
  const [answer] = Object.values(row ?? {});
  if (answer !== "ok") throw new Error(`the backup is damaged: ${answer}`);
}
