/**
 * Maps APNs' answers to outcomes, row by row ("Handling notification responses from APNs"). Pure:
 * it decides, and the client acts.
 */

import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type HttpFailure, type HttpReply, type HttpResult, retryAfterMs } from "../http/mod.ts";
import { TOKEN_FLOOR_MS } from "./provider_token.ts";

/** What the mapping depends on besides the answer. */
export interface ApnAnswerContext {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Epoch milliseconds when the device last confirmed its token. */
  readonly refreshedAt: number;
  /** Whether APNs has accepted any token of this app in this environment. */
  readonly succeeded: boolean;
}

/** What to do before the request is sent once more. */
export type Remedy =
  /** Nothing: the runtime opens another connection. */
  | "none"
  /** Create a new provider token, if the old one may be replaced. */
  | "new_token"
  /** Use new connections. */
  | "new_connections"
  /** Use new connections, and keep the provider token for as long as it is valid. */
  | "keep_token";

/** Resend the request once, now. If that fails the same way, the outcome is `fallback`. */
export interface ResendAdvice {
  readonly kind: "resend";
  readonly remedy: Remedy;
  readonly fallback: Outcome;
}

const MINUTE_MS = 60_000;
/** Apple: too many pushes to one device token; the documentation names no wait. */
const DEVICE_FLOOR_MS = MINUTE_MS;
/** Apple: retry after 15 minutes. */
const SERVER_FLOOR_MS = 15 * MINUTE_MS;
const CONNECTION_FLOOR_MS = 1000;

/** The token is valid, but the request, and so this service or a template, is wrong. */
const BAD_MESSAGE = new Set([
  "BadCollapseId",
  "BadExpirationDate",
  "BadMessageId",
  "BadPriority",
  "InvalidPushType",
  "DuplicateHeaders",
  "PayloadEmpty",
  "MissingDeviceToken",
  "BadPath",
  "MethodNotAllowed",
  "PayloadTooLarge",
]);

/** The credential or the app's set-up is wrong. */
const BAD_SETUP = new Set([
  "BadTopic",
  "MissingTopic",
  "TopicDisallowed",
  "InvalidProviderToken",
  "MissingProviderToken",
  // Apple's page names the first, its servers send the second.
  "BadEnvironmentKeyIdInToken",
  "BadEnvironmentKeyInToken",
  "BadCertificate",
  "BadCertificateEnvironment",
  "Forbidden",
]);

/** Returns the outcome of an attempt, or the advice to resend the request. */
export function readApnAnswer(result: HttpResult, facts: ApnAnswerContext): Outcome | ResendAdvice {
  return result.kind === "failed" ? readFailure(result) : readReply(result, facts);
}

function readReply(reply: HttpReply, facts: ApnAnswerContext): Outcome | ResendAdvice {
  const { status, headers } = reply;
  if (status >= 200 && status < 300) {
    const providerId = headers.get("apns-id");
    return { kind: "sent", ...providerId && { providerId } };
  }
  const answer = parseJsonObject(reply.text) ?? {};
  const reason = reasonOf(answer, status);
  const wait = (floorMs: number) =>
    retryAfterMs(headers.get("retry-after"), facts.nowMs, { floorMs });
  if (BAD_MESSAGE.has(reason)) return { kind: "rejected", reason };
  if (BAD_SETUP.has(reason)) return { kind: "misconfigured", reason };
  switch (reason) {
    case "BadDeviceToken":
    case "DeviceTokenNotForTopic":
      return foreignToken(reason, facts);
    case "IdleTimeout":
    case "Shutdown":
      return resend("none", retry(reason, { afterMs: wait(CONNECTION_FLOOR_MS) }));
    case "ExpiredProviderToken":
      return resend("new_token", {
        kind: "misconfigured",
        reason: "ExpiredProviderToken for a new token: check the clock of this machine",
      });
    case "UnrelatedKeyIdInToken":
      return resend("new_connections", { kind: "misconfigured", reason });
    case "TooManyProviderTokenUpdates":
      return resend("keep_token", {
        ...retry(reason, { afterMs: wait(TOKEN_FLOOR_MS) }),
        scope: "client",
      });
    case "Unregistered":
      return unregistered(answer, facts);
    case "ExpiredToken":
      return { kind: "gone", reason };
  }
  return readStatus(status, { reason, wait });
}

/** For reasons that Apple has not documented. */
function readStatus(
  status: number,
  { reason, wait }: { readonly reason: string; readonly wait: (floorMs: number) => number },
): Outcome {
  if (status >= 500) return retry(reason, { afterMs: wait(SERVER_FLOOR_MS) });
  if (status === 429) return retry(reason, { afterMs: wait(DEVICE_FLOOR_MS) });
  if (status === 410) return { kind: "gone", reason };
  if (status === 400 || status === 404 || status === 405 || status === 413) {
    return { kind: "rejected", reason };
  }
  // Includes redirects, which APNs never sends.
  return { kind: "misconfigured", reason };
}

/**
 * A token of the other environment or of another app gets the same answer as a dead one. Until APNs
 * has accepted a token of this app, a wrong option is more likely, and no token is removed.
 */
function foreignToken(reason: string, { succeeded }: ApnAnswerContext): Outcome {
  return succeeded ? { kind: "gone", reason } : {
    kind: "rejected",
    reason: `${reason}, and none was accepted so far: check 'production' and 'topic'`,
  };
}

/** The device may have registered the token again since APNs found the app removed. */
function unregistered(answer: JsonObject, { refreshedAt }: ApnAnswerContext): Outcome {
  const { timestamp } = answer;
  return typeof timestamp === "number" && refreshedAt > timestamp
    ? { kind: "rejected", reason: "Unregistered before the device registered again" }
    : { kind: "gone", reason: "Unregistered" };
}

function readFailure({ fault, reason, goawayReason }: HttpFailure): Outcome {
  switch (fault) {
    case "certificate":
    case "no_h2":
    case "blocked":
      return { kind: "misconfigured", reason };
    case "goaway":
      return goawayReason && BAD_SETUP.has(goawayReason)
        ? { kind: "misconfigured", reason: goawayReason }
        : retry(reason, { afterMs: CONNECTION_FLOOR_MS });
    case "refused_stream":
    case "aborted":
      return retry(reason);
    case "died":
    case "connect":
    case "timeout":
      return retry(reason, { afterMs: CONNECTION_FLOOR_MS });
  }
}

function resend(remedy: Remedy, fallback: Outcome): ResendAdvice {
  return { kind: "resend", remedy, fallback };
}

function retry(
  reason: string,
  wait: { readonly afterMs?: number } = {},
): Extract<Outcome, { kind: "retry" }> {
  return { kind: "retry", reason, ...wait };
}

/** Real reasons are single words; anything else, such as a proxy's page, stays out of the logs. */
function reasonOf({ reason }: JsonObject, status: number): string {
  return typeof reason === "string" && /^[A-Za-z]{1,64}$/.test(reason)
    ? reason
    : `status ${status} without a reason`;
}
