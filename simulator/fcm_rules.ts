/** What FCM HTTP v1 refuses in a body (Google: reference of `projects.messages:send`). Pure. */

import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";

/** Accepted, or which field is wrong and why. */
export type FcmCheckResult =
  | { readonly ok: true; readonly message: JsonObject; readonly target: string }
  /** Without a field the answer has no details, as for messages that are too big. */
  | { readonly ok: false; readonly field?: string; readonly description: string };

const TARGETS = ["token", "fid", "topic", "condition"] as const;
const MESSAGE_FIELDS = new Set([
  ...TARGETS,
  "name",
  "data",
  "notification",
  "android",
  "androidV2",
  "webpush",
  "apns",
  "fcm_options",
]);
const ANDROID_FIELDS = new Set([
  "collapse_key",
  "priority",
  "ttl",
  "restricted_package_name",
  "data",
  "notification",
  "fcm_options",
  "direct_boot_ok",
]);
const MAX_BYTES = 4096;
const MAX_TOPIC_BYTES = 2048;
const MAX_TTL_SECONDS = 2_419_200;
const encoder = new TextEncoder();

/** Checks a parsed body. */
export function checkFcmBody(body: unknown): FcmCheckResult {
  if (!isJsonObject(body as Json) || !isJsonObject((body as JsonObject).message)) {
    return no("message", "Invalid JSON payload received.");
  }
  const message = (body as JsonObject).message as JsonObject;
  const unknown = Object.keys(message).find((field) => !MESSAGE_FIELDS.has(field));
  if (unknown !== undefined) return no("message", `Unknown name "${unknown}": Cannot find field.`);
  const targets = TARGETS.filter((target) => message[target] !== undefined);
  const target = targets.length === 1 ? message[targets[0]!] : undefined;
  if (typeof target !== "string" || target === "") {
    return no("message", "Exactly one of 'fid', 'token', 'topic' and 'condition' must be set");
  }
  if (message.token !== undefined && !/^[\w:.-]{8,4096}$/.test(target)) {
    return no(
      "message.token",
      "The registration token is not a valid FCM registration token",
    );
  }
  const fault = dataFault(message.data, "message.data") ?? androidFault(message.android) ??
    stringsFault(headersOf(message.apns), "message.apns.headers");
  if (fault !== undefined) return fault;
  const limit = message.topic === undefined ? MAX_BYTES : MAX_TOPIC_BYTES;
  if (sizeOf(message) > limit) return { ok: false, description: "Message is too big." };
  return { ok: true, message, target };
}

function dataFault(data: Json | undefined, field: string): FcmCheckResult | undefined {
  const strings = stringsFault(data, field);
  if (strings !== undefined || data === undefined) return strings;
  const reserved = Object.keys(data as JsonObject).find((key) =>
    key === "from" || key === "gcm" || key.startsWith("google")
  );
  if (reserved !== undefined) return no(field, `Invalid data payload key: ${reserved}`);
}

function stringsFault(value: Json | undefined, field: string): FcmCheckResult | undefined {
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) return no(field, "Invalid value");
  const wrong = Object.entries(value).find(([, entry]) => typeof entry !== "string");
  if (wrong !== undefined) return no(`${field}[${wrong[0]}]`, "Invalid value (TYPE_STRING)");
}

function androidFault(android: Json | undefined): FcmCheckResult | undefined {
  if (android === undefined) return undefined;
  if (!isJsonObject(android)) return no("message.android", "Invalid value");
  const unknown = Object.keys(android).find((field) => !ANDROID_FIELDS.has(field));
  if (unknown !== undefined) {
    return no("message.android", `Unknown name "${unknown}": Cannot find field.`);
  }
  const { ttl, priority } = android;
  const seconds = typeof ttl === "string" ? /^(\d+)(?:\.\d{1,9})?s$/.exec(ttl)?.[1] : undefined;
  if (ttl !== undefined && (seconds === undefined || Number(seconds) > MAX_TTL_SECONDS)) {
    return no("message.android.ttl", "Invalid value: illegal duration");
  }
  if (priority !== undefined && !/^(normal|high)$/i.test(String(priority))) {
    return no("message.android.priority", "Invalid value (TYPE_ENUM)");
  }
  return dataFault(android.data, "message.android.data");
}

function headersOf(apns: Json | undefined): Json | undefined {
  return apns !== undefined && isJsonObject(apns) ? apns.headers : undefined;
}

/** Bytes of the keys and values that are delivered to a device. */
function sizeOf(message: JsonObject): number {
  let bytes = 0;
  function add(value: Json) {
    if (typeof value !== "object" || value === null) {
      bytes += encoder.encode(String(value)).length;
    } else if (Array.isArray(value)) value.forEach(add);
    else {
      for (const [key, entry] of Object.entries(value)) {
        bytes += encoder.encode(key).length;
        add(entry);
      }
    }
  }
  const android = message.android !== undefined && isJsonObject(message.android)
    ? message.android
    : {};
  for (
    const part of [message.data, message.notification, android.data, android.notification]
  ) if (part !== undefined) add(part);
  return bytes;
}

function no(field: string, description: string): FcmCheckResult {
  return { ok: false, field, description };
}
