/**
 * Renders a message as an APNs request: headers and body ("Generating a remote notification").
 * Pure; it shortens messages to Apple's size limits. A message with visible content becomes an
 * `alert` push, any other a `background` push.
 *
 * Besides `aps` the body contains `topic`, `notification` (the notification's id) and the data as
 * custom keys. For mail these are only the fields that identify it (`folder`, `id`, and `cid`,
 * which the original sends): the rest is in the alert or need not pass through Apple.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import {
  fitMessage,
  type HeaderFields,
  type MessageParts,
  type OnFit,
  previewMessage,
} from "../http/mod.ts";
import {
  type ApnPriority,
  apnsTopic,
  isPushType,
  type PushType,
  pushTypeFault,
  pushTypeRule,
} from "./push_type.ts";
import type { ApnAuth } from "./settings.ts";

/** What rendering depends on besides the message. */
export interface ApnProfile {
  /** Bundle id. */
  readonly topic: string;
  readonly auth: ApnAuth["type"];
}

/** A request without its address and provider token. */
export interface ApnRequest {
  readonly kind: "request";
  readonly type: PushType;
  readonly priority: ApnPriority;
  /** Those that differ from message to message. */
  readonly headers: HeaderFields;
  readonly body: Uint8Array<ArrayBuffer>;
}

const MAX_COLLAPSE_ID_BYTES = 64;
/** Keys of a template's extra fields that set headers or parts of `aps` instead of custom keys. */
const DIRECTIVES = new Set(["aps", "push-type", "priority", "interruption-level"]);
/** Renders a message, or returns why APNs would refuse it. */
export function renderApns(
  message: Message,
  { auth }: Pick<ApnProfile, "auth">,
  onFit?: OnFit,
): ApnRequest | Extract<Outcome, { kind: "rejected" }> {
  const extra = message.extra ?? {};
  const shown = isShown(message);
  const type = extra["push-type"] ?? (shown ? "alert" : "background");
  if (!isPushType(type)) {
    return { kind: "rejected", reason: `unknown push type ${JSON.stringify(type).slice(0, 40)}` };
  }
  const priority = priorityOf(type, message);
  if (priority === undefined) return { kind: "rejected", reason: "priority must be 1, 5 or 10" };
  const fault = pushTypeFault(type, { priority, auth });
  if (fault) return { kind: "rejected", reason: fault };
  const body = renderBody(message, { shown, maxBytes: pushTypeRule(type).maxPayload, onFit });
  if (!body) return { kind: "rejected", reason: "the message is too large even when shortened" };
  return {
    kind: "request",
    type,
    priority,
    body,
    headers: {
      "apns-id": message.id,
      // Repeats of a notification replace each other on the device.
      "apns-collapse-id": collapseId(message.collapseKey ?? message.dismiss ?? message.id),
      ...message.expiresAt !== undefined && {
        "apns-expiration": String(Math.floor(message.expiresAt / 1000)),
      },
    },
  };
}

/** Returns the headers that requests of one push type and priority have in common. */
export function commonApnHeaders(
  { type, priority }: Pick<ApnRequest, "type" | "priority">,
  { topic }: Pick<ApnProfile, "topic">,
): HeaderFields {
  return {
    "content-type": "application/json",
    "apns-topic": apnsTopic(type, topic),
    "apns-push-type": type,
    "apns-priority": String(priority),
  };
}

/** Renders a message as {@link renderApns} does and names what was shortened. */
export function previewApns(message: Message, profile: ApnProfile): MessagePreview {
  let kept: MessageParts | undefined;
  const request = renderApns(message, profile, (parts) => kept = parts);
  if (request.kind === "rejected") return request;
  return previewMessage({ ...message, data: dataOf(message) }, {
    maxBytes: pushTypeRule(request.type).maxPayload,
    render(onFit) {
      if (kept) onFit(kept);
      return new TextDecoder().decode(request.body);
    },
  });
}

/** A badge is visible, even on an fallback silent message. */
function isShown({ silent, title, body, sound, badge }: Message): boolean {
  return badge !== undefined || (!silent && !!(title || body || sound));
}

function priorityOf(type: PushType, { extra, priority }: Message): ApnPriority | undefined {
  const wanted = extra?.priority;
  if (wanted !== undefined) {
    return wanted === 1 || wanted === 5 || wanted === 10 ? wanted : undefined;
  }
  return pushTypeRule(type).always ?? (priority === "high" ? 10 : 5);
}

function renderBody(
  message: Message,
  { shown, maxBytes, onFit }: {
    readonly shown: boolean;
    readonly maxBytes: number;
    readonly onFit: OnFit | undefined;
  },
): Uint8Array<ArrayBuffer> | undefined {
  const { extra, link, topic, id, dismiss, receipt, title, body } = message;
  const custom = extra &&
    Object.fromEntries(Object.entries(extra).filter(([key]) => !DIRECTIVES.has(key)));
  return fitMessage({ title, body, data: dataOf(message) }, {
    maxBytes,
    onFit,
    render(parts) {
      const payload: { [key: string]: Json } = {
        ...parts.data,
        ...link !== undefined && { link },
        ...custom,
      };
      payload.topic = topic;
      payload.notification = id;
      if (dismiss !== undefined) payload.dismiss = dismiss;
      if (receipt !== undefined) payload.receipt = receipt;
      payload.aps = apsOf(message, parts, shown);
      // Unlike those of an encoder, small buffers of Node's share their memory.
      return Buffer.from(JSON.stringify(payload));
    },
  });
}

/** The data as custom keys. `aps` is Apple's and cannot be set by data. */
function dataOf({ topic, data }: Message): JsonObject {
  if (!topic.startsWith("ox:mail:")) {
    const { aps: _, ...rest } = data;
    return rest;
  }
  const { folder, id } = data;
  return {
    ...folder !== undefined && { folder },
    ...id !== undefined && { id },
    ...folder !== undefined && id !== undefined && { cid: `${folder}/${id}` },
  };
}

/** `parts` has the texts, which may be shorter than the message's, or dropped. */
function apsOf(message: Message, { title, body }: MessageParts, shown: boolean): JsonObject {
  const { silent, badge, sound, thread, category, extra } = message;
  const aps: { [key: string]: Json } = {};
  if (!silent && (title || body)) {
    aps.alert = { ...title && { title }, ...body && { body } };
  }
  if (badge !== undefined) aps.badge = badge;
  if (!silent && sound) aps.sound = sound;
  if (shown && thread) aps["thread-id"] = thread;
  if (shown && category) aps.category = category;
  if (silent || !shown) aps["content-available"] = 1;
  const level = extra?.["interruption-level"];
  if (level !== undefined) aps["interruption-level"] = level;
  return isJsonObject(extra?.aps) ? mergeAps(aps, extra.aps) : aps;
}

/** The template's fields win; fields of `alert` merge into the rendered ones. */
function mergeAps(aps: JsonObject, over: JsonObject): JsonObject {
  const alert: Json | undefined = isJsonObject(over.alert) && isJsonObject(aps.alert)
    ? { ...aps.alert, ...over.alert }
    : over.alert;
  return { ...aps, ...over, ...alert !== undefined && { alert } };
}

/** At most 64 bytes; a longer key is replaced by its hash. */
function collapseId(key: string): string {
  // A header may contain visible ASCII only.
  const fits = key.length <= MAX_COLLAPSE_ID_BYTES && /^[\x21-\x7e]+$/.test(key);
  return fits ? key : createHash("sha256").update(key).digest("base64url");
}
