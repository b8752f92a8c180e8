/**
 * Decides which of the matched targets receive a notification, and why the others do not. Pure; the
 * configuration cascade has the last word.
 */

import type { TargetState } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { QuietRules } from "../core/quiet_hours.ts";
import type { Target, TransportName } from "../core/subscription.ts";

/** What the configuration allows one user. */
export interface Permissions {
  enabled(transport: TransportName, client: string, topic: string): boolean;
  /** The quiet hours of a client and topic; absent where there can be none. */
  quietRules?(client: string, topic: string): QuietRules | undefined;
}

/** The decision for one target. */
type Plan =
  | { readonly target: Target; readonly send: true }
  | {
    readonly target: Target;
    readonly send: false;
    readonly state: Extract<TargetState, "disabled" | "source" | "unserved">;
    readonly reason: string;
  };

/** Returns one decision per target. */
export function plan(
  notification: Notification,
  targets: readonly Target[],
  { permissions, serves }: {
    readonly permissions: Permissions;
    readonly serves: (transport: TransportName, client: string) => boolean;
  },
): readonly Plan[] {
  const { topic, sourceToken } = notification;
  return targets.map((target): Plan => {
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
    return { target, send: true };
  });
}
