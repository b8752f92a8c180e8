/**
 * Says when a stored address would be sent to, and what quiet hours, escalation and the ttl change
 * about it. Pure; explain shows it. The dispatch and the retries decide the same step by step, at
 * the times that this names in advance.
 */

import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import type { Permissions, TargetPlan } from "./plan.ts";
import { type QuietDecision, quietDecision } from "./quiet.ts";

/** The first attempt at a target. Times are epoch milliseconds. */
export interface FirstAttempt {
  readonly step: TargetPlan | ExpiredStep;
  /** What quiet hours would do when the attempt is due, and when they end. */
  readonly quiet?: QuietDecision;
  /** Why and until when it would wait. */
  readonly held?: { readonly reason: "escalation" | "quiet hours"; readonly until: number };
}

/** A target that nothing is sent to because the ttl ends before its first attempt. */
interface ExpiredStep {
  readonly target: Target;
  readonly send: false;
  readonly state: "expired";
  readonly reason: string;
}

/**
 * Returns the first attempt of a step that was planned.
 *
 * @param options.at epoch milliseconds at which the notification leaves the buffer
 * @param options.escalatesAt epoch milliseconds until which stored addresses wait for a socket to
 * acknowledge the event; absent where they do not
 */
export function firstAttempt(
  step: TargetPlan,
  notification: Notification,
  { permissions, at, escalatesAt }: {
    readonly permissions: Permissions;
    readonly at: number;
    readonly escalatesAt: number | undefined;
  },
): FirstAttempt {
  const { target } = step;
  const { expiresAt = Infinity } = notification;
  if (at >= expiresAt) return { step: expired(target, "its ttl has passed") };
  if (!step.send || target.subscriptionId === undefined) return { step };
  const quietAt = (now: number) => quietDecision(notification, target, { permissions, now });
  const atOnce = quietAt(at);
  const waits = escalatesAt !== undefined && target.transport !== "webhook" &&
    atOnce?.action !== "hold" && atOnce?.action !== "drop";
  const quiet = waits ? quietAt(escalatesAt) : atOnce;
  const held: Pick<FirstAttempt, "held"> = waits
    ? { held: { reason: "escalation", until: escalatesAt } }
    : quiet?.action === "hold"
    ? { held: { reason: "quiet hours", until: quiet.until } }
    : {};
  const more = { ...quiet && { quiet }, ...held };
  if (waits && escalatesAt >= expiresAt) {
    return { ...more, step: expired(target, "its ttl ends before the wait for a socket") };
  }
  if (quiet?.action === "drop") {
    return { ...more, step: { target, send: false, state: "quiet", reason: "quiet hours" } };
  }
  if (quiet?.action === "hold" && quiet.until >= expiresAt) {
    return { ...more, step: expired(target, "its ttl ends before the quiet hours") };
  }
  return { ...more, step };
}

function expired(target: Target, reason: string): ExpiredStep {
  return { target, send: false, state: "expired", reason };
}
