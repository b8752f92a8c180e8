/**
 * The port to the store and to everything that is built on it. A single node has these parts in its
 * own process over Deno KV (`embedded_backend.ts`); several nodes share them through Redis
 * (`redis_backend.ts`). No code outside this folder knows which of the two runs.
 */

import type { Buffer, BufferSettings } from "../buffer/mod.ts";
import type { Settings } from "../cascade/mod.ts";
import type { ChangeFeed } from "../core/change_feed.ts";
import { messageOf } from "../core/errors.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { EventHub } from "../core/events.ts";
import type { IdSource } from "../core/ids.ts";
import type { Metrics } from "../core/metrics.ts";
import type { RateLimiter } from "../core/rate_limiter.ts";
import type { SharedTokens } from "../core/shared_tokens.ts";
import type { Store } from "../core/store.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import type { CommitChanges } from "../delivery/mod.ts";
import type { ReadinessCheck } from "../routes/mod.ts";

/** What a backend needs to build its parts, once the configuration has been read. */
export interface JoinDeps extends SystemDeps {
  readonly settings: () => Settings;
  readonly yieldToEventLoop: YieldToEventLoop;
  readonly ids: IdSource;
  readonly metrics: Metrics;
  /** Writes changes without checks; several callers share a commit. */
  readonly commit: CommitChanges;
}

/** The parts that a node works with. The pipeline closes the buffer. */
export interface Parts extends AsyncDisposable {
  readonly buffer: Buffer;
  readonly hub: EventHub;
  readonly limiter: RateLimiter;
  /** Absent where every node makes its own provider tokens. */
  readonly tokens?: SharedTokens;
  readonly changes: ChangeFeed;
}

/** An open store and the factory of the parts that use it. */
export interface Backend extends AsyncDisposable {
  readonly store: Store;
  /** Whether other nodes may exist that take over this node's work when it ends. */
  readonly hasOthers: boolean;
  /** Joins the other nodes, where there are any, and builds the parts. */
  join(deps: JoinDeps): Promise<Parts>;
  /** Returns the checks that `/readyz` shows besides that of the store. */
  checks(): Promise<readonly ReadinessCheck[]>;
}

const HOUR_MS = 3_600_000;

/** Returns the options that every kind of buffer takes: settings, metrics and the error log. */
export function bufferOptions(
  { clock, random, yieldToEventLoop, settings, metrics, log }: JoinDeps,
) {
  return {
    ...{ clock, random, yieldToEventLoop },
    settings: (): BufferSettings => settings().buffer,
    retentionMs: () => settings().ledger.retentionHours * HOUR_MS,
    onMerged: () => metrics.count("carillon_buffer_merged_total", {}),
    onCommit(changes: number, seconds: number) {
      metrics.count("carillon_buffer_log_writes_total", {});
      metrics.count("carillon_buffer_log_records_total", {}, changes);
      metrics.observe("carillon_buffer_log_commit_seconds", {}, seconds);
    },
    onFault: (thrown: unknown) => log.error("the buffer failed", { reason: messageOf(thrown) }),
  };
}
