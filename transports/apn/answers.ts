/**
 * What an answer of APNs means, row by row ("Handling notification responses from APNs"). Pure:
 * says what should happen, and leaves doing it to the client.
 */

import { type JsonObject, parseJsonObject } from "../../core/json.ts";
import type { Outcome } from "../../core/outcome.ts";
import { type HttpFailure, type HttpReply, type HttpResult, retryAfterMs } from "../http/mod.ts";
import { TOKEN_FLOOR_MS } from "./provider_token.ts";

/** What the table has to know beside the answer. */
export interface AnswerFacts {
  /** Epoch milliseconds. */
  readonly nowMs: number;
  /** Epoch milliseconds at which the device last said that the token is its own. */
  readonly refreshedAt: number;
  /** Whether APNs has ever accepted a token of this app in this environment. */
  readonly succeeded: boolean;
}

/** What to do before the same request is sent once more. */
export type Remedy =
  /** Nothing: the runtime opens another connection by itself. */
  | "none"
  /** Make a new provider token, if the old one may be replaced. */
  | "new_token"
  /** Use new connections. */
  | "new_connections"
  /** Use new connections, and the present provider token for as long as it holds. */
  | "keep_token";

/** Send again once, now; and if that meets the same answer, that is the outcome. */
export interface RetryAdvice {
  readonly kind: "again";
  readonly remedy: Remedy;
  readonly otherwise: Outcome;
}

const MINUTE_MS = 60_000;
/** Apple: to one device token too many; it says nothing of how long. */
const DEVICE_FLOOR_MS = MINUTE_MS;
/** Apple: may be tried again after 15 minutes. */
const SERVER_FLOOR_MS = 15 * MINUTE_MS;
const CONNECTION_FLOOR_MS = 1000;

/** The token is fine: the request, and so this service or a template, was wrong. */
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

/** What should come of one attempt. */
export function judgeAnswer(result: HttpResult, facts: AnswerFacts): Outcome | RetryAdvice {
  return result.kind === "failed" ? judgeFailure(result) : judgeReply(result, facts);
}

function judgeReply(reply: HttpReply, facts: AnswerFacts): Outcome | RetryAdvice {
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
      return again("none", retry(reason, { afterMs: wait(CONNECTION_FLOOR_MS) }));
    case "ExpiredProviderToken":
      return again("new_token", {
        kind: "misconfigured",
        reason: "ExpiredProviderToken for a new token: the clock of this machine may be wrong",
      });
    case "UnrelatedKeyIdInToken":
      return again("new_connections", { kind: "misconfigured", reason });
    case "TooManyProviderTokenUpdates":
      return again("keep_token", {
        ...retry(reason, { afterMs: wait(TOKEN_FLOOR_MS) }),
        scope: "client",
      });
    case "Unregistered":
      return unregistered(answer, facts);
    case "ExpiredToken":
      return { kind: "gone", reason };
  }
  return judgeStatus(status, { reason, wait });
}

/** For reasons that Apple has not told of yet. */
function judgeStatus(
  status: number,
  { reason, wait }: { readonly reason: string; readonly wait: (floorMs: number) => number },
): Outcome {
  if (status >= 500) return retry(reason, { afterMs: wait(SERVER_FLOOR_MS) });
  if (status === 429) return retry(reason, { afterMs: wait(DEVICE_FLOOR_MS) });
  if (status === 410) return { kind: "gone", reason };
  if (status === 400 || status === 404 || status === 405 || status === 413) {
    return { kind: "rejected", reason };
  }
  // Among them redirects, which nothing that is APNs answers.
  return { kind: "misconfigured", reason };
}

/**
 * A token of the other environment or of another app looks the same as a dead one. Until APNs has
 * accepted one token of this app, the likelier reason is a wrong option, and no token is touched.
 */
function foreignToken(reason: string, { succeeded }: AnswerFacts): Outcome {
  return succeeded ? { kind: "gone", reason } : {
    kind: "rejected",
    reason: `${reason}, and none was accepted so far: check 'production' and 'topic'`,
  };
}

/** The device may have registered the same token again since the app was found gone. */
function unregistered(answer: JsonObject, { refreshedAt }: AnswerFacts): Outcome {
  const { timestamp } = answer;
  return typeof timestamp === "number" && refreshedAt > timestamp
    ? { kind: "rejected", reason: "Unregistered before the device registered again" }
    : { kind: "gone", reason: "Unregistered" };
}

function judgeFailure({ fault, reason, goawayReason }: HttpFailure): Outcome {
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

function again(remedy: Remedy, otherwise: Outcome): RetryAdvice {
  return { kind: "again", remedy, otherwise };
}

function retry(
  reason: string,
  wait: { readonly afterMs?: number } = {},
): Extract<Outcome, { kind: "retry" }> {
  return { kind: "retry", reason, ...wait };
}

/** Reasons are single words; anything else, such as a proxy's page, stays out of logs. */
function reasonOf({ reason }: JsonObject, status: number): string {
  return typeof reason === "string" && /^[A-Za-z]{1,64}$/.test(reason)
    ? reason
    : `status ${status} without a reason`;
}
