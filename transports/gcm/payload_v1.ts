/**
 * Renders a message for FCM's HTTP v1 API, within its size limit. Pure; decides nothing about
 * credentials or retries.
 * https://firebase.google.com/docs/reference/fcm/rest/v1/projects.messages
 */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import { fitMessage, type MessageParts } from "../http/mod.ts";
import { dataMap, mergePatch, objectOrEmpty, stringValues } from "./_data.ts";
import { type AddressedMessage, maxBytes, TTL_MAX_SECONDS, ttlSeconds } from "./_limits.ts";

/** What else could name a target; a template must not redirect a message. */
const TARGETS = { token: null, fid: null, topic: null, condition: null, name: null };

/** The body of `messages:send`, or `undefined` where not even a bare one fits the limit. */
export function renderV1(message: Message, { token, nowMs }: AddressedMessage): string | undefined {
  const render = (extra: JsonObject) => (parts: MessageParts) =>
    JSON.stringify({
      message: { ...finish(mergePatch(rendered(message, parts, nowMs), extra)), token },
    });
  const options = { maxBytes: maxBytes(token) };
  return fitMessage(message, { ...options, render: render(message.extra ?? {}) }) ??
    fitMessage(message, { ...options, render: render({}) });
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
      // High priority is for what the user sees; Google demotes apps that use it to wake up.
      priority: message.priority === "high" && !message.silent ? "HIGH" : "NORMAL",
      ...ttl !== undefined && { ttl: `${Math.min(ttl, TTL_MAX_SECONDS)}s` },
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

function finish(message: JsonObject): JsonObject {
  const own = mergePatch(message, TARGETS);
  return { ...own, data: stringValues(objectOrEmpty(own.data)) };
}

function isAddress(icon: string | undefined): icon is string {
  return icon !== undefined && /^https?:\/\//.test(icon);
}
