/**
 * Who of those that want a notification is to be handed it, and why the others are not. Pure; the
 * configuration cascade has the last word.
 */

import type { TargetState } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Target, TransportName } from "../core/subscription.ts";

/** The cascade's answer for one user, as far as a plan needs it. */
export interface Permissions {
  enabled(transport: TransportName, client: string, topic: string): boolean;
}

/** What is to be done about one target. */
type Plan =
  | { readonly target: Target; readonly send: true }
  | {
    readonly target: Target;
    readonly send: false;
    readonly state: Extract<TargetState, "disabled" | "source" | "unserved">;
    readonly reason: string;
  };

/** One plan per target. */
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
