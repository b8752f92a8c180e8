/** The body of a webhook, as the original's generic generator makes it. Pure. */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Target } from "../../core/subscription.ts";

/** Bytes of the largest body. The original has no limit. */
export const MAX_WEBHOOK_BYTES = 65_536;

/**
 * `{"event":…,"payload":{…,"user":…,"context":…},"timestamp":…}`; `undefined` where it is too large.
 *
 * @param timestamp epoch milliseconds
 */
export function renderWebhook(
  { topic, data, sourceToken }: Pick<Message, "topic" | "data" | "sourceToken">,
  { user, context }: Pick<Target, "user" | "context">,
  { timestamp }: { readonly timestamp: number },
): string | undefined {
  const payload: JsonObject = {
    ...data,
    user: idOf(user),
    context: idOf(context),
    ...sourceToken !== undefined && { sourceToken },
  };
  const body = JSON.stringify({ event: topic, payload, timestamp });
  const isLarge = body.length * 3 > MAX_WEBHOOK_BYTES &&
    new TextEncoder().encode(body).length > MAX_WEBHOOK_BYTES;
  return isLarge ? undefined : body;
}

/** Renders a webhook as {@link renderWebhook} does, for operators. */
export function previewWebhook(
  message: Parameters<typeof renderWebhook>[0],
  target: Parameters<typeof renderWebhook>[1],
  { timestamp }: { readonly timestamp: number },
): MessagePreview {
  const body = renderWebhook(message, target, { timestamp });
  if (body === undefined) return { kind: "rejected", reason: "the message is too large" };
  const bytes = new TextEncoder().encode(body).length;
  return { kind: "rendered", body, bytes, maxBytes: MAX_WEBHOOK_BYTES, shortened: [] };
}

/** The original's ids are numbers; others stay the texts that they are. */
function idOf(name: string): number | string {
  return /^(?:0|[1-9]\d{0,14})$/.test(name) ? Number(name) : name;
}
