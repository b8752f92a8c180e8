/**
 * Renders a message in the legacy GCM/FCM format for one token, within the size limit. Pure.
 * https://firebase.google.com/docs/cloud-messaging/http-server-ref
 */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessageParts, OnFit } from "../http/mod.ts";
import { dataMap } from "./_data.ts";
import { type AddressedMessage, ttlSeconds } from "./_limits.ts";
import { renderGcm } from "./_render.ts";

const TARGETS = { to: null, registration_ids: null, condition: null, notification_key: null };

/** Returns the body of a send request, or `undefined` where the message does not fit. */
export function renderLegacy(
  message: Message,
  { token, nowMs }: AddressedMessage,
  onFit?: OnFit,
): string | undefined {
  return renderGcm(message, {
    ...{ token, onFit, targets: TARGETS },
    render: (parts) => rendered(message, parts, nowMs),
    address: (complete) => ({ ...complete, to: token }),
  });
}

function rendered(message: Message, { title, body, data }: MessageParts, nowMs: number) {
  const ttl = ttlSeconds(message.expiresAt, nowMs);
  const { silent, collapseKey, icon, sound, badge } = message;
  return {
    data: dataMap(message, data),
    priority: message.priority === "high" && !silent ? "high" : "normal",
    ...ttl !== undefined && { time_to_live: ttl },
    ...collapseKey && { collapse_key: collapseKey },
    ...silent ? { content_available: true } : {
      notification: {
        ...title && { title: title.toWellFormed() },
        ...body && { body: body.toWellFormed() },
        ...icon && { icon },
        ...sound && { sound },
        ...collapseKey && { tag: collapseKey },
        // Apps on Apple's devices read it.
        ...badge !== undefined && badge >= 0 && { badge: `${badge}` },
      },
    },
  } satisfies JsonObject;
}
