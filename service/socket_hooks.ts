/** Counts what happens to sockets. */

import type { Metrics } from "../core/metrics.ts";
import type { RealtimeHooks } from "../realtime/mod.ts";

/** See the file's comment. */
export function socketHooks(metrics: Metrics): RealtimeHooks {
  return {
    onOpened: ({ client }) => metrics.count("carillon_sockets_opened_total", { client }),
    onClosed: ({ client }, reason) =>
      metrics.count("carillon_sockets_closed_total", { client, reason }),
    onResumed(_connection, { events, complete }) {
      metrics.count("carillon_sockets_resumed_total", { complete: String(complete) });
      metrics.count("carillon_sockets_replayed_total", {}, events);
    },
    onResync: ({ client }) => metrics.count("carillon_sockets_resynced_total", { client }),
    onGap: () => metrics.count("carillon_sockets_gaps_total", {}),
    onRefused: (reason) => metrics.count("carillon_sockets_refused_total", { reason }),
  };
}
