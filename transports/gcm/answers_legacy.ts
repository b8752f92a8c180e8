/**
 * Maps the answers of the legacy GCM/FCM format to outcomes, as a pure table: first the HTTP
 * status, then the one result of a request with one token.
 * https://firebase.google.com/docs/cloud-messaging/http-server-ref
 */

import { isJsonObject, type Json, type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type HttpReply, retryAfterMs } from "../http/mod.ts";
import type { AddressedMessage } from "./_limits.ts";
import { isRegistrationToken } from "./_registration_token.ts";

const RATE_FLOOR_MS = 60_000;
const SERVER_FLOOR_MS = 10_000;

const DEAD = new Set([
  "NotRegistered",
  "InvalidRegistration",
  "MissingRegistration",
  // The token belongs to another project or app.
  "MismatchSenderId",
  "InvalidPackageName",
]);

/** Returns the outcome of an answer; `nowMs` is wall-clock time, for a `Retry-After` date. */
export function readLegacyAnswer(
  answer: Omit<HttpReply, "kind">,
  { token, nowMs }: AddressedMessage,
): Outcome {
  const { status, headers, text } = answer;
  const afterMs = (floorMs: number) => retryAfterMs(headers.get("retry-after"), nowMs, { floorMs });

  if (status >= 500 || status === 408) {
    return { kind: "retry", reason: `${status}`, afterMs: afterMs(SERVER_FLOOR_MS) };
  }
  if (status === 429) {
    return { kind: "retry", reason: "429", afterMs: afterMs(RATE_FLOOR_MS), scope: "client" };
  }
  if (status === 401 || status === 403) return misconfigured(`${status}: the key is refused`);
  if (status === 404) {
    return misconfigured(
      "404: Google shut the legacy API in 2024; set 'serviceaccount' instead of 'key', " +
        "or 'address' to a server that still speaks the legacy format",
    );
  }
  if (status === 407) return misconfigured("407: a proxy requires authentication");
  if (status >= 300 && status < 400) {
    return misconfigured(`The address redirects (${status}), which is never followed`);
  }
  if (status < 200 || status >= 300) return { kind: "rejected", reason: `${status}` };

  const result = onlyResult(text);
  if (!result) return misconfigured(`${status} without a result: the address is not a GCM server`);
  if (typeof result.error === "string") return readError(result.error, afterMs);
  return readSuccess(result, token);
}

function readSuccess(result: JsonObject, usedToken: string): Outcome {
  const { message_id: id, registration_id: token } = result;
  const isNew = typeof token === "string" && token !== usedToken && isRegistrationToken(token);
  return {
    kind: "sent",
    ...(typeof id === "string" || typeof id === "number" ? { providerId: `${id}` } : {}),
    ...(isNew && { newToken: token }),
  };
}

function readError(error: string, afterMs: (floorMs: number) => number): Outcome {
  const reason = /^\w{1,64}$/.test(error) ? error : "an unreadable error";
  if (DEAD.has(error)) return { kind: "gone", reason };
  switch (error) {
    case "Unavailable":
    case "InternalServerError":
      return { kind: "retry", reason, afterMs: afterMs(SERVER_FLOOR_MS) };
    case "DeviceMessageRateExceeded":
    case "TopicsMessageRateExceeded":
      return { kind: "retry", reason, afterMs: afterMs(RATE_FLOOR_MS), scope: "address" };
    case "InvalidApnsCredential":
      return misconfigured(`${reason}: the project's APNs key is broken`);
    default:
      // MessageTooBig, InvalidDataKey, InvalidTtl, InvalidParameters and future codes.
      return { kind: "rejected", reason };
  }
}

function onlyResult(text: string): JsonObject | undefined {
  const results = parseJsonObject(text)?.results;
  const first = Array.isArray(results) ? (results as readonly Json[])[0] : undefined;
  if (!isJsonObject(first)) return undefined;
  return first.error !== undefined || first.message_id !== undefined ? first : undefined;
}

function misconfigured(reason: string): Outcome {
  return { kind: "misconfigured", reason };
}
