/**
 * The record of a run: plain data that the assessment is derived from. All times are milliseconds
 * since the run began.
 */

import type { NotificationState } from "../core/ledger.ts";
import type { Kind } from "./plan.ts";

/** A time span. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A notification that was answered with 202. */
export interface Publication {
  /** Its number in the run, which its data contains. */
  readonly n: number;
  readonly id: string;
  readonly user: number;
  /** When it was sent for the first time. */
  readonly sentAt: number;
  readonly acceptedAt: number;
  /** Name of the client that is named as its source, which must not receive it. */
  readonly source?: string;
  /** Whether it may have been merged with others of its user. */
  readonly similar?: true;
}

/** What became of a notification to a group. */
export interface GroupOutcome {
  readonly n: number;
  readonly id: string;
  /** Members of the group. */
  readonly members: number;
  /** Members that have a notification of their own. */
  readonly reached: number;
  /** Notifications beyond the first one of each. */
  readonly repeated: number;
  /** Notifications in no final state. */
  readonly open: number;
}

/** An event as a client received it. */
export interface Arrival {
  readonly n: number;
  readonly at: number;
  /** Its offset, where the client receives one. */
  readonly offset?: string;
}

/** One client during the whole run. */
export interface ClientRecord {
  readonly name: string;
  readonly user: number;
  /** The version of socket.io-client. */
  readonly generation: 2 | 4;
  readonly arrivals: readonly Arrival[];
  /** When it was connected, in order; the last span lasts to the end. */
  readonly connected: readonly Span[];
  /** How many times it reconnected, and how often its client reported that as recovered. */
  readonly returns: number;
  readonly recovered: number;
  /** When it was sent `resync`. */
  readonly resyncs: readonly number[];
  /** What a stock client would not have recovered from by itself, or should not have observed. */
  readonly complaints: readonly string[];
}

/** One attempt of a publisher. */
export interface Answer {
  readonly from: number;
  readonly to: number;
  /** 0 where the connection failed or no response arrived in time. */
  readonly status: number;
  readonly code?: string;
  /** What the problem says. */
  readonly detail?: string;
  /** Whether the response had a `Retry-After`. */
  readonly retryAfter: boolean;
}

/** The ledger's record of a notification; `state` is absent where it has none. */
export interface Entry {
  readonly state?: NotificationState;
  readonly reason?: string;
  readonly mergedInto?: string;
}

/** An action of the plan as it was carried out. */
export interface Trouble extends Span {
  readonly kind: Kind;
  readonly whom: number;
}

/** How a node ended that was asked to stop: from the request to its end. */
export interface Exit extends Span {
  readonly node: number;
  /** Absent where it did not stop, and was killed. */
  readonly code?: number;
}

/** A node that ended unexpectedly and was restarted. */
export interface Crash {
  readonly node: number;
  readonly at: number;
  readonly code: number;
  /** The end of its output. */
  readonly lastWords: string;
}

/** The record of the whole run. */
export interface RunRecord {
  /** How long a client may be disconnected and still receive everything. */
  readonly windowMs: number;
  /** After so long without a heartbeat both sides consider a socket closed. */
  readonly heartbeatMs: number;
  /** Those to a group are in it once for each member that has clients. */
  readonly publications: readonly Publication[];
  readonly toGroup: readonly GroupOutcome[];
  /** Publishes that were never answered with 202, however often they were sent. */
  readonly neverAccepted: number;
  readonly clients: readonly ClientRecord[];
  readonly answers: readonly Answer[];
  readonly ledger: ReadonlyMap<string, Entry>;
  readonly troubles: readonly Trouble[];
  /** When the balancer had no ready node. */
  readonly noneReady: readonly Span[];
  readonly exits: readonly Exit[];
  readonly crashes: readonly Crash[];
}
