/** Finds the folder of a store. Imports little, because every start runs it before the service. */

import { dirname } from "node:path";

/**
 * Returns the folder of the data file, its journal and its lock; `undefined` for an address without
 * a file: Redis, memory, and the platform's own KV.
 */
export function dataFolder(address: string): string | undefined {
  const file = /^kv:(.+)$/s.exec(address)?.[1];
  return file === undefined || file === ":memory:" ? undefined : dirname(file);
}
