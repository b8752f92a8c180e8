/**
 * Maps the answers of FCM's HTTP v1 API to outcomes, as a pure table. Only explicit answers remove
 * a token; a bare 404 or 403 can also mean a wrong project or address.
 * https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode and .../scale-fcm (waits).
 */

import { isJsonObject, type Json, type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type HttpReply, retryAfterMs } from "../http/mod.ts";
import type { StaleTokenAnswer } from "../clients/mod.ts";

/** Google asks for at least these waits before the first retry, in milliseconds. */
const QUOTA_FLOOR_MS = 60_000;
const SERVER_FLOOR_MS = 10_000;

/** The API's text for a malformed token where it omits the field violation. */
const NOT_A_TOKEN = "The registration token is not a valid FCM registration token";

/** Returns the outcome of an answer; `nowMs` is wall-clock time, for a `Retry-After` date. */
export function readFcmAnswer(
  answer: Omit<HttpReply, "kind">,
  nowMs: number,
): Outcome | StaleTokenAnswer {
  const { status, headers } = answer;
  const body = parseJsonObject(answer.text);
  if (status >= 200 && status < 300) return readSuccess(body, status);
  if (status >= 300 && status < 400) {
    return misconfigured(`The address redirects (${status}), which is never followed`);
  }
  const error = isJsonObject(body?.error) ? body.error : undefined;
  const code = errorCode(error);
  const reason = code ? `${status} ${code}` : `${status}`;
  const afterMs = (floorMs: number) => retryAfterMs(headers.get("retry-after"), nowMs, { floorMs });

  if (status >= 500 || status === 408) {
    return { kind: "retry", reason, afterMs: afterMs(SERVER_FLOOR_MS) };
  }
  switch (status) {
    case 400:
      return error && blamesToken(error)
        ? { kind: "gone", reason: `${reason} on message.token` }
        : { kind: "rejected", reason: `${reason}${faults(error)}` };
    case 401:
      return code === "THIRD_PARTY_AUTH_ERROR"
        ? misconfigured(`${reason}: the project's APNs or Web Push key is broken`)
        : { kind: "stale", reason };
    case 403:
      return code === "SENDER_ID_MISMATCH"
        ? { kind: "gone", reason }
        : misconfigured(`${reason}: the account may not send, or the API is off`);
    case 404:
      return code === "UNREGISTERED"
        ? { kind: "gone", reason }
        : misconfigured(`${reason}: no such project or address`);
    case 407:
      return misconfigured(`${reason}: a proxy requires authentication`);
    case 429:
      return {
        kind: "retry",
        reason,
        afterMs: afterMs(QUOTA_FLOOR_MS),
        scope: quotaScope(error),
      };
    default:
      return { kind: "rejected", reason };
  }
}

function readSuccess(body: JsonObject | undefined, status: number): Outcome {
  const name = body?.name;
  if (typeof name === "string") return { kind: "sent", providerId: name.slice(0, 256) };
  return misconfigured(`${status} without a message name: the address is not FCM's`);
}

function misconfigured(reason: string): Outcome {
  return { kind: "misconfigured", reason };
}

function details(error: JsonObject | undefined, type: string): JsonObject | undefined {
  const list = Array.isArray(error?.details) ? error.details as readonly Json[] : [];
  return list.filter(isJsonObject).find((it) => String(it["@type"]).endsWith(type));
}

/** Returns FCM's own code, or else the general status. */
function errorCode(error: JsonObject | undefined): string | undefined {
  const code = details(error, "fcm.v1.FcmError")?.errorCode ?? error?.status;
  return typeof code === "string" && /^[A-Z_]{1,64}$/.test(code) ? code : undefined;
}

function violations(error: JsonObject | undefined): readonly JsonObject[] {
  const list = details(error, "rpc.BadRequest")?.fieldViolations;
  return Array.isArray(list) ? (list as readonly Json[]).filter(isJsonObject) : [];
}

function blamesToken(error: JsonObject): boolean {
  if (errorCode(error) !== "INVALID_ARGUMENT") return false;
  return error.message === NOT_A_TOKEN ||
    violations(error).some((it) => it.field === "message.token");
}

/** Returns the names of the faulty fields; descriptions may quote the payload. */
function faults(error: JsonObject | undefined): string {
  const fields = violations(error).map((it) => it.field)
    .filter((field) => typeof field === "string" && /^[\w.[\]]{1,64}$/.test(field));
  return fields.length > 0 ? ` on ${fields.slice(0, 5).join(", ")}` : "";
}

/** A device's or topic's quota limits that target only; any other the whole project. */
function quotaScope(error: JsonObject | undefined): "address" | "client" {
  const quota = JSON.stringify(details(error, "rpc.QuotaFailure")?.violations ?? "");
  return /device|topic/i.test(`${quota} ${error?.message ?? ""}`) ? "address" : "client";
}
