/** What became of a notification: the record behind `GET /v1/notifications/{id}`. */

import type { TransportName } from "./subscription.ts";

/** States a notification can end in. `in_flight` is the only one that is not final. */
export const NOTIFICATION_STATES = [
  "scheduled",
  "in_flight",
  "delivered",
  "suppressed",
  "expired",
  "dead",
  "cancelled",
] as const;

export type NotificationState = typeof NOTIFICATION_STATES[number];

/**
 * What became of it at one target. `kept` is for a client that was away for a moment, and becomes
 * `sent` once it has come back and got it.
 */
export const TARGET_STATES = [
  "sent",
  "kept",
  "offline",
  "source",
  "disabled",
  "unserved",
  "gone",
  "rejected",
  "retrying",
  "held",
  "expired",
  "dead",
  "seen",
  "cancelled",
] as const;

export type TargetState = typeof TARGET_STATES[number];

/** The part of a ledger record that speaks of one subscription or one client's open sockets. */
export interface TargetRecord {
  readonly client: string;
  readonly transport: TransportName;
  /** Absent for open sockets. */
  readonly subscription?: string;
  readonly state: TargetState;
  readonly reason?: string;
  /** The provider's id for the message. */
  readonly providerId?: string;
  /** Attempts made so far, where more than one. */
  readonly attempts?: number;
  /** Epoch milliseconds of the first attempt, where the state is `held`. */
  readonly until?: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What a client can report of a notification. */
export const RECEIPT_KINDS = ["delivered", "shown", "seen", "clicked"] as const;

export type ReceiptKind = typeof RECEIPT_KINDS[number];

/** A report of a client. */
export interface Receipt {
  readonly kind: ReceiptKind;
  /** The client whose socket reported it; absent for a report with a receipt token. */
  readonly client?: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Everything that is known of one notification. */
export interface LedgerRecord {
  readonly id: string;
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  readonly state: NotificationState;
  /** Why it was suppressed, where the targets do not say. */
  readonly reason?: string;
  /** The notification that it was merged into. */
  readonly mergedInto?: string;
  /** The id under which a scheduled notification was delivered. */
  readonly deliveredAs?: string;
  /** Epoch milliseconds, where the state is `scheduled`. */
  readonly deliverAt?: number;
  readonly collapseKey?: string;
  /** What clients reported, the first of each kind and client. */
  readonly receipts?: readonly Receipt[];
  readonly targets: readonly TargetRecord[];
}

/**
 * The state of a notification whose targets ended so: in flight while one is tried again,
 * delivered where one took it, and else the gravest of the rest.
 */
export function stateOf(targets: readonly Pick<TargetRecord, "state">[]): NotificationState {
  if (targets.length === 1 && targets[0]!.state === "sent") return "delivered";
  const has = (...states: TargetState[]) => targets.some(({ state }) => states.includes(state));
  if (has("retrying", "held")) return "in_flight";
  if (has("sent")) return "delivered";
  if (has("dead", "gone", "rejected")) return "dead";
  if (has("expired")) return "expired";
  if (has("cancelled")) return "cancelled";
  return "suppressed";
}
