/** Decides what quiet hours do to one message. Pure. */

import type { Message } from "../core/message.ts";
import type { Notification } from "../core/notification.ts";
import { type QuietAction, quietUntil } from "../core/quiet_hours.ts";
import type { Target } from "../core/subscription.ts";
import type { Permissions } from "./plan.ts";

/** What becomes of a message in quiet hours, and when they end (epoch milliseconds). */
export interface QuietDecision {
  readonly action: QuietAction;
  readonly until: number;
}

/**
 * Returns what quiet hours do to a message for a stored address; `undefined` where nothing. Webhooks
 * disturb nobody.
 */
export function quietDecision(
  { topic, priority, options }: Pick<Notification, "topic" | "priority" | "options">,
  { client, transport }: Pick<Target, "client" | "transport">,
  { permissions, now }: { readonly permissions: Permissions; readonly now: number },
): QuietDecision | undefined {
  if (transport === "webhook") return undefined;
  const rules = permissions.quietRules?.(client, topic);
  // A dismissal shows nothing.
  if (!rules || options?.dismiss || (rules.breakThrough && priority === "high")) return undefined;
  const until = quietUntil(rules, now);
  return until === undefined ? undefined : { action: rules.action, until };
}

/** A message without anything to show. */
export function silenced(message: Message): Message {
  const { title: _title, body: _body, badge: _badge, sound: _sound, ...rest } = message;
  return { ...rest, silent: true };
}
