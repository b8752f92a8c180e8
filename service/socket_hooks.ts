/** Counts what happens to sockets. */

import type { Metrics } from "../core/metrics.ts";
import type { RealtimeHooks } from "../realtime/mod.ts";

/** See the file's comment. */
export function socketHooks(metrics: Metrics): RealtimeHooks {
  return {
    onOpened: ({ client }) => metrics.count("carillon_sockets_opened_total", { client }),
    onClosed: ({ client }, reason) =>
      metrics.count("carillon_sockets_closed_total", { client, reason }),
    onRefused: (reason) => metrics.count("carillon_sockets_refused_total", { reason }),
  };
}
