/**
 * Maps the answers of push services to outcomes, as a pure table (RFC 8030 §5 to §8, RFC 8292 §4.2,
 * and what Mozilla, Apple, Google and Windows add). Refused credentials are separate from outcomes,
 * because their meaning depends on earlier attempts.
 */

import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type AnswerHeaders, type HttpFailure, type HttpReply, retryAfterMs } from "../http/mod.ts";
import type { EndpointRoute } from "./endpoint_hosts.ts";

/** The push service refused our `Authorization`. */
export type WebPushRefusal =
  /** The subscription is bound to another VAPID key. */
  | { readonly kind: "mismatch"; readonly reason: string }
  /** Any other reason, or none given. */
  | { readonly kind: "refused"; readonly reason: string };

/** What the outcome depends on besides the answer. */
export interface WebPushAnswerContext {
  /** Wall-clock time, for a `Retry-After` date. */
  readonly nowMs: number;
  /** Epoch milliseconds when the browser last confirmed the subscription. */
  readonly refreshedAt: number;
  readonly trust: EndpointRoute["trust"];
}

const RATE_FLOOR_MS = 60_000;
const SERVER_FLOOR_MS = 10_000;
/** Windows: waits of a mature sender for 406 (throttled) and a throttled channel. */
const WNS_THROTTLED_MS = 3_600_000;
const WNS_CHANNEL_MS = 600_000;
/** A new subscription may be unknown to parts of the push service for its first seconds. */
const SETTLING_MS = 60_000;
/** Mozilla: this 503 may be repeated at once. */
const ERRNO_RETRY_AT_ONCE = 202;

/** How Mozilla, Google and Apple say that a subscription belongs to another key. */
const MISMATCH =
  /public key mismatch|not? correspond to|VapidPkHashMismatch|Unauthorized ?Registration/i;

/** Returns the outcome of an answer, or the refusal of the credential. */
export function readWebPushAnswer(
  reply: HttpReply,
  context: WebPushAnswerContext,
): Outcome | WebPushRefusal {
  const { status, headers } = reply;
  const body = parseJsonObject(reply.text);
  const reason = reasonOf(reply, body);
  const after = (floorMs: number) =>
    retryAfterMs(headers.get("retry-after"), context.nowMs, { floorMs });

  if (status >= 200 && status < 300) return readSuccess(headers, reason, after);
  if (status >= 300 && status < 400) {
    return {
      kind: "rejected",
      reason: `${reason}: the endpoint redirects, and redirects are not followed`,
    };
  }
  if (status >= 500 || status === 408) {
    const atOnce = status === 503 && body?.errno === ERRNO_RETRY_AT_ONCE;
    return { kind: "retry", reason, afterMs: after(atOnce ? 0 : SERVER_FLOOR_MS) };
  }
  switch (status) {
    case 400:
      return MISMATCH.test(reply.text) ? { kind: "mismatch", reason } : rejected(reason);
    case 401:
    case 403:
      return { kind: MISMATCH.test(reply.text) ? "mismatch" : "refused", reason };
    case 404:
      return { kind: "gone", reason };
    case 406:
    case 412:
      return { kind: "retry", reason, afterMs: after(WNS_THROTTLED_MS) };
    case 407:
      return setupFault(`${reason}: a proxy requires authentication`, context.trust);
    case 410:
      return readGone(reason, context);
    case 429:
      return { kind: "retry", reason, afterMs: after(RATE_FLOOR_MS) };
    default:
      return rejected(reason);
  }
}

/** Returns the outcome of a failed request. */
export function readWebPushFailure(
  { fault, sent, reason }: HttpFailure,
  { trust }: Pick<WebPushAnswerContext, "trust">,
): Outcome {
  switch (fault) {
    case "blocked":
      return rejected(reason);
    case "certificate":
      // A known push service has a valid certificate; another server is intercepting the
      // connection.
      return trust === "known"
        ? { kind: "misconfigured", reason }
        : { kind: "retry", reason, afterMs: RATE_FLOOR_MS };
    case "refused_stream":
    case "aborted":
      return { kind: "retry", reason, ...sent === "unknown" && { afterMs: SERVER_FLOOR_MS } };
    default:
      return { kind: "retry", reason, afterMs: SERVER_FLOOR_MS };
  }
}

/** Windows accepts a request and says in a header that it drops the message. */
function readSuccess(
  headers: AnswerHeaders,
  reason: string,
  after: (floorMs: number) => number,
): Outcome {
  switch (headers.get("x-wns-status") ?? headers.get("x-wns-notificationstatus")) {
    case "dropped":
      return rejected(`${reason}: dropped`);
    case "channelthrottled":
      return { kind: "retry", reason: `${reason}: throttled`, afterMs: after(WNS_CHANNEL_MS) };
  }
  const providerId = word(headers.get("apns-id") ?? headers.get("x-wns-msg-id"));
  return { kind: "sent", ...providerId !== undefined && { providerId } };
}

function readGone(reason: string, { nowMs, refreshedAt }: WebPushAnswerContext): Outcome {
  const left = refreshedAt + SETTLING_MS - nowMs;
  // A clock that was set back must not keep a dead subscription for longer than this.
  return left > 0 && left <= SETTLING_MS
    ? { kind: "retry", reason: `${reason}, but just subscribed`, afterMs: left }
    : { kind: "gone", reason };
}

function setupFault(reason: string, trust: EndpointRoute["trust"]): Outcome {
  return trust === "public" ? rejected(reason) : { kind: "misconfigured", reason };
}

function rejected(reason: string): Outcome {
  return { kind: "rejected", reason };
}

/** The status with the push service's own word for it; free text may repeat the endpoint. */
function reasonOf({ status, headers }: HttpReply, body: JsonObject | undefined): string {
  const own = typeof body?.reason === "string"
    ? word(body.reason)
    : typeof body?.errno === "number"
    ? `errno ${body.errno}`
    : word(headers.get("x-wns-error-description"));
  return own === undefined ? `${status}` : `${status} ${own}`;
}

function word(text: string | null): string | undefined {
  return text !== null && /^[\w .,'-]{1,100}$/.test(text) ? text : undefined;
}
