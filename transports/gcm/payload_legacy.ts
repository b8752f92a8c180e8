/**
 * Renders a message in the legacy GCM/FCM format for one token, within the size limit. Pure.
 * https://firebase.google.com/docs/cloud-messaging/http-server-ref
 */

import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import { fitMessage, type MessageParts, type OnFit } from "../http/mod.ts";
import { dataMap, mergePatch, objectOrEmpty, stringValues } from "./_data.ts";
import {
  type AddressedMessage,
  GCM_MAX_TTL_SECONDS,
  gcmMaxBytes,
  TEMPLATE_DROPPED,
  ttlSeconds,
} from "./_limits.ts";

/** Fields that could name another target; a template must not redirect a message. */
const TARGETS = { to: null, registration_ids: null, condition: null, notification_key: null };

/** Returns the body of a send request, or `undefined` where the message does not fit. */
export function renderLegacy(
  message: Message,
  { token, nowMs }: AddressedMessage,
  onFit?: OnFit,
): string | undefined {
  const render = (extra: JsonObject) => (parts: MessageParts) =>
    JSON.stringify({ ...finish(mergePatch(rendered(message, parts, nowMs), extra)), to: token });
  const options = { maxBytes: gcmMaxBytes(token) };
  return fitMessage(message, { ...options, onFit, render: render(message.extra ?? {}) }) ??
    fitMessage(message, {
      ...options,
      onFit: onFit && ((parts) => onFit(parts, [TEMPLATE_DROPPED])),
      render: render({}),
    });
}

function rendered(message: Message, { title, body, data }: MessageParts, nowMs: number) {
  const ttl = ttlSeconds(message.expiresAt, nowMs);
  const { silent, collapseKey, icon, sound, badge } = message;
  return {
    data: dataMap(message, data),
    priority: message.priority === "high" && !silent ? "high" : "normal",
    ...ttl !== undefined && { time_to_live: Math.min(ttl, GCM_MAX_TTL_SECONDS) },
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

function finish(message: JsonObject): JsonObject {
  const own = mergePatch(message, TARGETS);
  return { ...own, data: stringValues(objectOrEmpty(own.data)) };
}
