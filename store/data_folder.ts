/** Where a store keeps its files. Imports next to nothing, since every start asks before it starts. */

import { dirname } from "node:path";

/**
 * The folder of the data file, its journal and its lock; `undefined` for an address that names no
 * file: Redis, memory, and the platform's own KV.
 */
export function dataFolder(address: string): string | undefined {
  const file = /^kv:(.+)$/s.exec(address)?.[1];
  return file === undefined || file === ":memory:" ? undefined : dirname(file);
}
