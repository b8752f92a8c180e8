/** What a node says of itself to operators, so that a set-up can be compared from node to node. */

import type { Clock } from "../core/clock.ts";
import { readOrCreate } from "../core/read_or_create.ts";
import type { Store } from "../core/store.ts";
import { VERSION } from "../core/version.ts";
import type { NodeFacts } from "../routes/mod.ts";

const STORE_ID = ["storeId"];

/** Reads the id of the store, or gives it one: nodes that share a store say the same. */
export function storeId(store: Store): Promise<string> {
  return readOrCreate(store, { key: STORE_ID, create: () => crypto.randomUUID() });
}

/** Answers `GET /v1/admin/node`. */
export function createNodeFacts({ store, clock, pingIntervalMs }: {
  readonly store: Store;
  readonly clock: Clock;
  readonly pingIntervalMs: number;
}): () => Promise<NodeFacts> {
  const started = clock.monotonic();
  return async () => ({
    version: VERSION,
    deno: Deno.version.deno,
    store: await storeId(store),
    now: clock.now(),
    upSeconds: Math.floor((clock.monotonic() - started) / 1000),
    pingIntervalMs,
  });
}
