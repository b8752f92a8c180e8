/** What a node says of itself to operators, so that a set-up can be compared from node to node. */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Store } from "../core/store.ts";
import { VERSION } from "../core/version.ts";
import type { NodeFacts } from "../routes/mod.ts";

const STORE_ID = ["storeId"];
const ATTEMPTS = 5;

/** Reads the id of the store, or gives it one: nodes that share a store say the same. */
export async function storeId(store: Store): Promise<string> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const found = await store.get<string>(STORE_ID);
    if (found) return found.value;
    const made = crypto.randomUUID();
    const isMine = await store.commit({
      checks: [{ key: STORE_ID, version: null }],
      sets: [{ key: STORE_ID, value: made }],
    });
    if (isMine) return made;
  }
  throw new ServiceError(
    "store_unavailable",
    "Cannot give the store an id: others keep changing it",
  );
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
