/**
 * Decides which of the matched targets receive a notification, and why the others do not. Pure; the
 * configuration cascade has the last word. Delivery and explain both use it, so they agree.
 */

import type { Presence } from "../core/events.ts";
import type { TargetState } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { QuietRules } from "../core/quiet_hours.ts";
import { socketOutcome } from "../core/socket_events.ts";
import type { Target, TransportName } from "../core/subscription.ts";

/** What the configuration allows one user. */
export interface Permissions {
  enabled(transport: TransportName, client: string, topic: string): boolean;
  /** The quiet hours of a client and topic; absent where there can be none. */
  quietRules?(client: string, topic: string): QuietRules | undefined;
  /** Whether notifications of a topic are kept in the user's inbox; absent where none are. */
  keepsInInbox?(topic: string): boolean;
}

/** The decision for one target. */
export type TargetPlan =
  | {
    readonly target: Target;
    readonly send: true;
    /** The state of open sockets once the event is in the user's log; absent for an address. */
    readonly state?: Extract<TargetState, "sent" | "kept">;
  }
  | {
    readonly target: Target;
    readonly send: false;
    readonly state: Extract<TargetState, "disabled" | "source" | "unserved" | "offline" | "quiet">;
    /** Absent where the state of the user's sockets says it. */
    readonly reason?: string;
  };

const NOBODY: readonly Presence[] = [];

/** Returns one decision per target. */
export function plan(
  notification: Notification,
  targets: readonly Target[],
  { permissions, serves, present = NOBODY }: {
    readonly permissions: Permissions;
    readonly serves: (transport: TransportName, client: string) => boolean;
    /** The user's sockets; not needed where all targets are stored addresses. */
    readonly present?: readonly Presence[];
  },
): readonly TargetPlan[] {
  const { topic, sourceToken } = notification;
  return targets.map((target): TargetPlan => {
    const { transport, client, token } = target;
    if (token !== "" && token === sourceToken) {
      return { target, send: false, state: "source", reason: "it caused the notification" };
    }
    if (!permissions.enabled(transport, client, topic)) {
      const reason = `${transport} is not enabled for ${client} and ${topic}`;
      return { target, send: false, state: "disabled", reason };
    }
    if (!serves(transport, client)) {
      const reason = `${transport} has no options for ${client}`;
      return { target, send: false, state: "unserved", reason };
    }
    if (target.subscriptionId !== undefined) return { target, send: true };
    const { kind } = socketOutcome(present, { client, source: sourceToken });
    return kind === "sent" || kind === "kept"
      ? { target, send: true, state: kind }
      : { target, send: false, state: kind };
  });
}
