/**
 * The backend of a single node: Deno KV on a file or in memory. On Deno Deploy several isolates may
 * use the same KV; they share the buffer's log, the jobs and all records, and publish changes to each
 * other. Sockets and rate limits stay local to each isolate.
 */

import { LogBuffer } from "../buffer/mod.ts";
import { KvChangeFeed } from "../buffer/shared_kv/mod.ts";
import { NO_CHANGE_FEED } from "../core/change_feed.ts";
import type { Store } from "../core/store.ts";
import { createLocalLimiter } from "../core/token_bucket.ts";
import { EventRecords, LocalHub } from "../events/mod.ts";
import { KvStore } from "../store/mod.ts";
import { type Backend, bufferOptions, type JoinDeps, type Parts } from "./backend.ts";

/**
 * Makes a backend over an open store.
 *
 * @param options.owned whether disposing the backend closes the store; false where others use it
 */
export function createEmbeddedBackend(
  store: Store,
  { owned = true }: { readonly owned?: boolean } = {},
): Backend {
  return {
    store,
    hasOthers: store.traits.shared,
    join: (deps) => Promise.resolve(join(store, deps)),
    checks: () => Promise.resolve([]),
    [Symbol.asyncDispose]: () => owned ? store[Symbol.asyncDispose]() : Promise.resolve(),
  };
}

function join(store: Store, deps: JoinDeps): Parts {
  const { settings, clock, random, ids, log, metrics, commit } = deps;
  const buffer = new LogBuffer(store, {
    ...bufferOptions(deps),
    leaseMs: settings().cluster.leaseMs,
    onFailover(count) {
      metrics.count("carillon_claims_reclaimed_total", {}, count);
      metrics.count("carillon_notifications_recovered_total", {}, count);
    },
    onLeaseLost: () => metrics.count("carillon_node_leases_lost_total", {}),
  });
  const keepsEvents = store.traits.durable && !store.traits.shared;
  const hub = new LocalHub({
    ...{ clock, log, settings: () => settings().resume },
    ...(keepsEvents && { records: new EventRecords({ store, commit }) }),
  });
  metrics.beforeScrape(() => metrics.set("carillon_events_kept_bytes", {}, hub.stats().bytes));
  const changes = store instanceof KvStore && store.traits.shared
    ? new KvChangeFeed(store, { clock, random, log, id: ids() })
    : undefined;
  return {
    buffer,
    hub,
    limiter: createLocalLimiter({ clock }),
    changes: changes ?? NO_CHANGE_FEED,
    async [Symbol.asyncDispose]() {
      await changes?.[Symbol.asyncDispose]();
      await hub[Symbol.asyncDispose]();
    },
  };
}
