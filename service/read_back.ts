/**
 * What a start reads back: notifications that were in flight when the process before it ended. It
 * waits for them a moment; a longer log is read behind the first publishes and sockets, and the
 * log and `/readyz` say so for as long as it takes.
 */

import { type Clock, sleep } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { ReadinessCheck } from "../routes/mod.ts";

/** The reading of one start. */
export interface ReadBack {
  /** Resolves when all is read, or after a second. Rejects where it failed by then. */
  readonly atOnce: Promise<void>;
  /** For `/readyz`; empty once everything has been read. Never takes the node out. */
  checks(): readonly ReadinessCheck[];
}

const AT_ONCE_MS = 1_000;
const NAME = "read back";

/**
 * Watches the reading.
 *
 * @param recovered how many there were, once they have been read
 */
export function watchReadBack(
  recovered: Promise<number>,
  { clock, log, metrics }: {
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
  },
): ReadBack {
  let detail: string | undefined = "notifications in flight from before are being read back";
  const counted = recovered.then((count) => {
    detail = undefined;
    metrics.count("carillon_notifications_recovered_total", {}, count);
    if (count > 0) log.info("notifications are in flight from before", { recovered: count });
  });
  counted.catch((thrown) => {
    detail = "not all that was in flight could be read back: start again";
    log.error(detail, { reason: messageOf(thrown) });
  });
  const over = new AbortController();
  const late = sleep(clock, AT_ONCE_MS, over.signal).then(() => {
    if (detail === undefined) return;
    log.info("notifications in flight from before are being read back; publishes are taken");
  }, () => {});
  return {
    atOnce: Promise.race([counted, late]).finally(() => over.abort()),
    checks: () => detail === undefined ? [] : [{ name: NAME, ok: false, optional: true, detail }],
  };
}
