/** Writes a data file as a whole, to a place where none is. */

import { dirname } from "node:path";
import { messageOf, ServiceError } from "../core/errors.ts";
import { createPrivateFile, dataFilesOf, publishFile, removeDataFiles } from "./_data_files.ts";
import { lockJournal } from "./_journal.ts";

/**
 * Writes a data file under another name until it is complete, and returns the result of `write`. The
 * place is locked meanwhile: otherwise a start could open half a file, or a running service lose the
 * one it uses.
 *
 * @param options.what what is written, for the error, e.g. `restore <backup>`
 * @param options.write receives the path of an empty file; may write a journal beside it
 * @throws {ServiceError} `store_unavailable` where the place is in use or not empty, or `write` fails
 */
export async function fillEmptyTarget<T>(
  to: string,
  { what, write }: {
    readonly what: string;
    readonly write: (partial: string) => Promise<T>;
  },
): Promise<T> {
  const partial = `${to}-partial`;
  try {
    using _lock = await lockEmptyTarget(to);
    await removeDataFiles(partial); // of an interrupted attempt
    try {
      await createPrivateFile(partial);
      const result = await write(partial);
      // The data file itself comes last, after the journal beside it.
      for (const file of (await dataFilesOf(partial)).toSorted().reverse()) {
        await publishFile(file, to + file.slice(partial.length));
      }
      return result;
    } finally {
      await removeDataFiles(partial);
    }
  } catch (cause) {
    const message = `Cannot ${what} to ${to}: ${messageOf(cause)}`;
    throw new ServiceError("store_unavailable", message, { cause });
  }
}

/** @throws {Error} where the place is in use or not empty */
async function lockEmptyTarget(path: string): Promise<Disposable> {
  await Deno.mkdir(dirname(path), { recursive: true, mode: 0o750 });
  using held = new DisposableStack();
  const lock = lockJournal(path);
  if (lock === undefined) throw new Error("a service uses the target: stop it first");
  held.use(lock);
  const [existing] = await dataFilesOf(path);
  if (existing !== undefined) throw new Error(`${existing} exists: move it away first`);
  return held.move();
}
