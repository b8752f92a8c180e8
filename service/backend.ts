/**
 * What a node stands on: a store, and what is made with it. A node that is alone has it all in its
 * own process over Deno KV; several nodes share it through Redis. Nothing beyond this folder knows
 * which one it is.
 */

import type { Buffer } from "../buffer/mod.ts";
import type { Settings } from "../cascade/mod.ts";
import type { ChangeFeed } from "../core/change_feed.ts";
import type { Clock } from "../core/clock.ts";
import type { EventHub } from "../core/events.ts";
import type { IdSource } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { RateLimiter } from "../core/rate_limiter.ts";
import type { SharedTokens } from "../core/shared_tokens.ts";
import type { Store } from "../core/store.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { CommitChanges } from "../delivery/mod.ts";
import type { ReadinessCheck } from "../routes/mod.ts";

/** What parts need that is there only once the configuration has been read. */
export interface JoinDeps {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly random: () => number;
  /** Lets I/O have its turn. */
  readonly yieldToEventLoop: YieldToEventLoop;
  readonly ids: IdSource;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Writes changes without checks; several callers share a commit. */
  readonly commit: CommitChanges;
}

/** The parts that a node works with. The buffer is closed by the pipeline. */
export interface Parts extends AsyncDisposable {
  readonly buffer: Buffer;
  readonly hub: EventHub;
  readonly limiter: RateLimiter;
  /** Absent where every node makes its own. */
  readonly tokens?: SharedTokens;
  readonly changes: ChangeFeed;
}

/** See the file's comment. */
export interface Backend extends AsyncDisposable {
  readonly store: Store;
  /** Whether there may be other nodes to take over what this one leaves. */
  readonly hasOthers: boolean;
  join(deps: JoinDeps): Promise<Parts>;
  /** What `/readyz` says of it, beside the store itself. */
  checks(): Promise<readonly ReadinessCheck[]>;
}
