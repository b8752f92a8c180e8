/** What one node reports about itself to operators; the nodes exchange these only on request. */

import type { Outcome } from "./outcome.ts";
import type { TransportName } from "./subscription.ts";

/** The state of a node at one moment. Counters begin with its process. */
export interface NodeReport {
  /** The tag of the node's ids. */
  readonly node: string;
  /** `host:port` of its public listener. */
  readonly address: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Epoch milliseconds; absent in the report of an older version. */
  readonly startedAt?: number;
  readonly version: string;
  readonly ready: boolean;
  /** The failed checks of `/readyz`. */
  readonly failed: readonly string[];
  /** Open sockets by client. */
  readonly sockets: Readonly<Record<string, number>>;
  readonly buffer: {
    readonly waiting: number;
    readonly due: number;
    readonly running: number;
    readonly inFlight: number;
  };
  readonly retriesWaiting: number;
  readonly queues: readonly QueueReport[];
  /** Notifications accepted since the start. */
  readonly accepted: number;
  /** Notifications settled since the start, by state. */
  readonly settled: Readonly<Record<string, number>>;
  /** Outcomes since the start by transport, client and outcome. */
  readonly outcomes: readonly OutcomeTotal[];
  readonly credentials: readonly CredentialReport[];
}

/** The state of one provider queue. */
export interface QueueReport {
  readonly transport: TransportName;
  readonly client: string;
  readonly inFlight: number;
  readonly waiting: number;
  /** Milliseconds that the oldest attempt has been waiting; absent where none waits. */
  readonly oldestMs?: number;
  readonly breaker: "closed" | "open";
  /** Why the breaker is open. */
  readonly reason?: string;
  /** The result of the last attempt that ended; absent before the first one. */
  readonly last?: {
    readonly outcome: Outcome["kind"];
    readonly reason?: string;
    /** Epoch milliseconds. */
    readonly at: number;
  };
}

/** How often an outcome happened. */
export interface OutcomeTotal {
  readonly transport: string;
  readonly client: string;
  readonly outcome: string;
  readonly count: number;
}

/** The credential of one client on one transport. */
export interface CredentialReport {
  readonly transport: TransportName;
  readonly client: string;
  readonly ready: boolean;
  /** The last problem, or a warning. */
  readonly detail?: string;
  readonly daysLeft?: number;
  /** Which of the provider's environments, projects or servers it calls. */
  readonly environment?: string;
}
