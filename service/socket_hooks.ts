/** Counts what happens to sockets, and passes on what the ledger is to hear of. */

import type { UserEvent } from "../core/events.ts";
import type { Metrics } from "../core/metrics.ts";
import type { RealtimeHooks } from "../realtime/mod.ts";

/**
 * See the file's comment.
 *
 * @param arrived a client has come back and was told an event that had been kept for it
 */
export function socketHooks(
  metrics: Metrics,
  arrived: (event: UserEvent, client: string) => void,
): RealtimeHooks {
  return {
    onRecovered: ({ client }, event) => arrived(event, client),
    onOpened: ({ client }) => metrics.count("carillon_sockets_opened_total", { client }),
    onClosed: ({ client }, reason) =>
      metrics.count("carillon_sockets_closed_total", { client, reason }),
    onResumed(_connection, { events, complete }) {
      metrics.count("carillon_sockets_resumed_total", { complete: String(complete) });
      metrics.count("carillon_sockets_replayed_total", {}, events);
    },
    onResync: ({ client }) => metrics.count("carillon_sockets_resynced_total", { client }),
    onUnknownSession: () => metrics.count("carillon_sockets_unknown_session_total", {}),
    onGap: () => metrics.count("carillon_sockets_gaps_total", {}),
    onRefused: (reason) => metrics.count("carillon_sockets_refused_total", { reason }),
  };
}
