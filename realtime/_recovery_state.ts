/** The state of a socket that receives events from its user's log instead of as they come. */

import type { LoggedEvent } from "../core/events.ts";

/** Where a socket that lags behind its user's log is. */
export interface Recovery {
  state: "joining" | "ready" | "reading" | "paused";
  /** Whether its client was connected before. */
  isReturn: boolean;
  /** Newest offset that was published for the user, as far as this node heard. */
  newest: number;
  /** Whether the log must be read even where `newest` says that nothing is missing. */
  mustRead: boolean;
  /** Whether the client must receive `resync` before the events: something is missing. */
  needsResync: boolean;
  /** Events that were read from the log; the first `sent` of them have been sent. */
  events: readonly LoggedEvent[];
  sent: number;
  /** Reads that failed in a row. */
  failures: number;
  /** Absent while the peer takes what it is sent. */
  stall: Stall | undefined;
}

/** A peer that must take something before it is sent more. */
interface Stall {
  /** Monotonic milliseconds at which the peer last took something. */
  since: number;
  /** Bytes that waited for the peer then. */
  bytes: number;
}

/** The state of a socket that is being admitted. */
export function newRecovery(): Recovery {
  return {
    state: "joining",
    isReturn: false,
    newest: 0,
    mustRead: false,
    needsResync: false,
    events: [],
    sent: 0,
    failures: 0,
    stall: undefined,
  };
}
