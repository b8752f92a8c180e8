/** The embedded buffer with the operator's settings, counted. */

import { LogBuffer } from "../buffer/mod.ts";
import type { Settings } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Store } from "../core/store.ts";

const HOUR_MS = 3_600_000;

/** See the file's comment. */
export function createBuffer(
  store: Store,
  { clock, turn, settings, metrics, log }: {
    readonly clock: Clock;
    readonly turn: () => Promise<void>;
    readonly settings: () => Settings;
    readonly metrics: Metrics;
    readonly log: Log;
  },
): LogBuffer {
  return new LogBuffer(store, {
    ...{ clock, turn },
    settings: () => settings().buffer,
    retentionMs: () => settings().ledger.retentionHours * HOUR_MS,
    onMerged: () => metrics.count("carillon_buffer_merged_total", {}),
    onCommit(changes, seconds) {
      metrics.count("carillon_buffer_log_writes_total", {});
      metrics.count("carillon_buffer_log_records_total", {}, changes);
      metrics.observe("carillon_buffer_log_commit_seconds", {}, seconds);
    },
    onFault: (thrown) => log.error("the buffer's log failed", { reason: messageOf(thrown) }),
  });
}
