/** Reserves the place of a data file that is to be written as a whole. */

import { dirname } from "node:path";
import { dataFilesOf } from "./_data_files.ts";
import { lockJournal } from "./_journal.ts";

/**
 * Locks a place where no service runs and no data file is, until the lock is disposed. Without it a
 * start could open half a file, or a running service lose the one it uses.
 *
 * @throws {Error} where the place is in use or not empty
 */
export async function lockEmptyTarget(path: string): Promise<Disposable> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o750 });
  using held = new DisposableStack();
  const lock = lockJournal(path);
  if (lock === undefined) throw new Error("a service uses the target: stop it first");
  held.use(lock);
  const [existing] = await dataFilesOf(path);
  if (existing !== undefined) throw new Error(`${existing} exists: move it away first`);
  return held.move();
}
