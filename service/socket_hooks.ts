/** Counts what happens to sockets, and passes on what the ledger is to hear of. */

import type { LedgerName } from "../buffer/mod.ts";
import type { UserEvent } from "../core/events.ts";
import type { ReceiptKind } from "../core/ledger.ts";
import type { Metrics } from "../core/metrics.ts";
import type { RealtimeHooks } from "../realtime/mod.ts";

/** What happens at sockets that the ledger is told of. */
export interface SocketReports {
  /** A client has come back and was sent an event that had been kept for it. */
  onRecovered(event: UserEvent, client: string): void;
  /** A client acknowledged an event. */
  onAcknowledged(event: LedgerName, client: string, kind: ReceiptKind): void;
}

/** Returns hooks that count in `metrics` and tell `reports` what the ledger is to have. */
export function socketHooks(metrics: Metrics, reports: SocketReports): RealtimeHooks {
  return {
    onRecovered: ({ client }, event) => reports.onRecovered(event, client),
    onAcknowledged: ({ client }, event, kind) => reports.onAcknowledged(event, client, kind),
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
