/** The ledger's record of a notification's outcome, as `GET /v1/notifications/{id}` returns it. */

import type { Notification } from "./notification.ts";
import type { TransportName } from "./subscription.ts";

/** The states of a notification. All but `in_flight` are final. */
export const NOTIFICATION_STATES = [
  "scheduled",
  "in_flight",
  "delivered",
  "suppressed",
  "expired",
  "dead",
  "cancelled",
] as const;

/** The state of a notification. */
export type NotificationState = typeof NOTIFICATION_STATES[number];

/**
 * The states of a notification at one target. `kept` is for a client that was briefly disconnected;
 * it becomes `sent` when the client has reconnected and acknowledged the event.
 */
export const TARGET_STATES = [
  "sent",
  "kept",
  "offline",
  "source",
  "disabled",
  "quiet",
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

/** The state of a notification at one target. */
export type TargetState = typeof TARGET_STATES[number];

/** The outcome at one subscription, or at the open sockets of one client. */
export interface TargetRecord {
  readonly client: string;
  readonly transport: TransportName;
  /** Absent for open sockets. */
  readonly subscription?: string;
  readonly state: TargetState;
  readonly reason?: string;
  /** The connection ids of the open sockets that were sent the event, where they are recorded. */
  readonly sockets?: readonly string[];
  /** The provider's id for the message. */
  readonly providerId?: string;
  /** Attempts so far; absent for one. */
  readonly attempts?: number;
  /** The attempts before the outcome, the oldest first; of many only the newest. */
  readonly earlier?: readonly EarlierAttempt[];
  /** Epoch milliseconds of the first attempt, where the state is `held`. */
  readonly until?: number;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** An attempt that was followed by another. */
export interface EarlierAttempt {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The provider's answer, or why there was none. */
  readonly reason: string;
}

/** What a client can report of a notification. */
export const RECEIPT_KINDS = ["delivered", "shown", "seen", "clicked"] as const;

/** One of {@link RECEIPT_KINDS}. */
export type ReceiptKind = typeof RECEIPT_KINDS[number];

/** A report of a client. */
export interface Receipt {
  readonly kind: ReceiptKind;
  /** The client whose socket reported it; absent for a report with a receipt token. */
  readonly client?: string;
  /** The connection id of that socket. */
  readonly connection?: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * The reason of a cancelled notification that was handed over before, by a process that is gone: it
 * is not known what that one has sent.
 */
export const MAY_BE_SENT = "may_be_sent";

/** The ledger record of one notification. */
export interface LedgerRecord
  extends Pick<Notification, "id" | "context" | "user" | "topic" | "acceptedAt"> {
  readonly state: NotificationState;
  /** Why it was suppressed; absent where the targets say why. */
  readonly reason?: string;
  /** Id of the notification that it was merged into. */
  readonly mergedInto?: string;
  /** The id under which a scheduled notification was delivered. */
  readonly deliveredAs?: string;
  /** Epoch milliseconds, where the state is `scheduled`. */
  readonly deliverAt?: number;
  readonly collapseKey?: string;
  /** The notification to many users that this is one of. */
  readonly fanout?: string;
  /** Of a notification to many users: how many there are so far, and their states. */
  readonly users?: { readonly count: number; readonly states: Readonly<Record<string, number>> };
  /** What clients reported, the first of each kind and socket. */
  readonly receipts?: readonly Receipt[];
  readonly targets: readonly TargetRecord[];
}

/**
 * Derives the state of a notification from those of its targets: in flight while one is retried,
 * delivered where one accepted it, otherwise the most severe of the others.
 */
export function stateOf(targets: readonly Pick<TargetRecord, "state">[]): NotificationState {
  let highest: Derived = "suppressed";
  for (const { state } of targets) {
    const one = STATE_OF_TARGET[state] ?? "suppressed";
    if (SEVERITY[one] > SEVERITY[highest]) highest = one;
  }
  return highest;
}

/** The states that follow from targets. */
type Derived = Exclude<NotificationState, "scheduled">;

/** What a target makes of its notification; `suppressed` where it is not listed. */
const STATE_OF_TARGET: Readonly<Partial<Record<TargetState, Derived>>> = {
  retrying: "in_flight",
  held: "in_flight",
  sent: "delivered",
  dead: "dead",
  gone: "dead",
  rejected: "dead",
  expired: "expired",
  cancelled: "cancelled",
};

const SEVERITY: Readonly<Record<Derived, number>> = {
  suppressed: 0,
  cancelled: 1,
  expired: 2,
  dead: 3,
  delivered: 4,
  in_flight: 5,
};
