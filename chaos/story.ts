/**
 * What is written down during a run: plain data that the verdict is made from. All times are
 * milliseconds since the run began.
 */

import type { NotificationState } from "../core/ledger.ts";
import type { Kind } from "./plan.ts";

/** A stretch of time. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A notification that was answered with 202. */
export interface Publication {
  /** Its number in the run, which its data carries. */
  readonly n: number;
  readonly id: string;
  readonly user: number;
  /** When it was sent for the first time. */
  readonly sentAt: number;
  readonly acceptedAt: number;
  /** Name of the client that is said to have caused it, which must not be told. */
  readonly source?: string;
  /** It may have been merged with others of its user. */
  readonly similar?: true;
}

/** An event as a client got it. */
export interface Arrival {
  readonly n: number;
  readonly at: number;
  /** Its place in the user's log, where the client is told. */
  readonly offset?: string;
}

/** One client from the beginning to the end. */
export interface ClientStory {
  readonly name: string;
  readonly user: number;
  /** Of socket.io-client. */
  readonly generation: 2 | 4;
  readonly arrivals: readonly Arrival[];
  /** When it was connected, in order; the last one lasts to the end. */
  readonly connected: readonly Span[];
  /** How many times it came back, and how often its client called that a recovery. */
  readonly returns: number;
  readonly recovered: number;
  /** When it was told that something is missing. */
  readonly resyncs: readonly number[];
  /** What a stock client would not have got over by itself, or should not have seen. */
  readonly complaints: readonly string[];
}

/** One attempt of a publisher. */
export interface Answer {
  readonly from: number;
  readonly to: number;
  /** 0 where the connection broke or nothing was answered in time. */
  readonly status: number;
  readonly code?: string;
  /** Whether the answer said when to come back. */
  readonly retryAfter: boolean;
}

/** What the ledger says of a notification; `state` is absent where it knows nothing. */
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

/** How a node went that was told to: from when it was told to its end. */
export interface Exit extends Span {
  readonly node: number;
  /** Absent where it did not go, and was killed. */
  readonly code?: number;
}

/** A node that ended although nobody had told it to, and was started again. */
export interface Crash {
  readonly node: number;
  readonly at: number;
  readonly code: number;
  /** What it wrote last. */
  readonly lastWords: string;
}

/** The whole run. */
export interface Story {
  /** How long a client may be away and still get everything. */
  readonly windowMs: number;
  /** After so long without a sign of life both sides take a socket for closed. */
  readonly heartbeatMs: number;
  readonly publications: readonly Publication[];
  /** How many were never answered with 202, for as often as they were sent. */
  readonly neverAccepted: number;
  readonly clients: readonly ClientStory[];
  readonly answers: readonly Answer[];
  readonly ledger: ReadonlyMap<string, Entry>;
  readonly troubles: readonly Trouble[];
  /** When the balancer had no node that was ready. */
  readonly noneReady: readonly Span[];
  readonly exits: readonly Exit[];
  readonly crashes: readonly Crash[];
}
