/** What every buffer is given: the operator's settings, and who counts. */

import type { BufferSettings } from "../buffer/mod.ts";
import { messageOf } from "../core/errors.ts";
import type { JoinDeps } from "./backend.ts";

const HOUR_MS = 3_600_000;

/** See the file's comment. */
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
