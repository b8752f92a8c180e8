/**
 * Renders a message for FCM's HTTP v1 API, within the size limit. Pure.
 * https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
 */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessageParts, OnFit } from "../http/mod.ts";
import { dataMap } from "./_data.ts";
import { type AddressedMessage, ttlSeconds } from "./_limits.ts";
import { renderGcm } from "./_render.ts";

const TARGETS = { token: null, fid: null, topic: null, condition: null, name: null };

/** Returns the body of `messages:send`, or `undefined` where the message does not fit. */
export function renderV1(
  message: Message,
  { token, nowMs }: AddressedMessage,
  onFit?: OnFit,
): string | undefined {
  return renderGcm(message, {
    ...{ token, onFit, targets: TARGETS },
    render: (parts) => rendered(message, parts, nowMs),
    address: (complete) => ({ message: { ...complete, token } }),
  });
}

function rendered(message: Message, { title, body, data }: MessageParts, nowMs: number) {
  const ttl = ttlSeconds(message.expiresAt, nowMs);
  return {
    data: dataMap(message, data),
    ...message.silent ? { apns: SILENT_APNS } : {
      notification: {
        ...title && { title: title.toWellFormed() },
        ...body && { body: body.toWellFormed() },
        ...isAddress(message.icon) && { image: message.icon },
      },
    },
    android: {
      // High priority is for visible messages; Google demotes apps that use it to wake up.
      priority: message.priority === "high" && !message.silent ? "HIGH" : "NORMAL",
      ...ttl !== undefined && { ttl: `${ttl}s` },
      ...message.collapseKey && { collapse_key: message.collapseKey },
      ...!message.silent && { notification: androidNotification(message) },
    },
  } satisfies JsonObject;
}

/** Apple accepts a message without an alert at this priority only; FCM's default is 10. */
const SILENT_APNS = {
  headers: { "apns-priority": "5" },
  payload: { aps: { "content-available": 1 } },
};

function androidNotification({ icon, sound, badge, collapseKey }: Message): JsonObject {
  return {
    ...icon && !isAddress(icon) && { icon },
    ...sound && { sound },
    ...collapseKey && { tag: collapseKey },
    ...badge !== undefined && badge >= 0 && { notification_count: badge },
  };
}

function isAddress(icon: string | undefined): icon is string {
  return icon !== undefined && /^https?:\/\//.test(icon);
}
