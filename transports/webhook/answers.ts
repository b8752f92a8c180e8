/**
 * What each answer to a webhook means, as a pure table. The original removes the subscription on
 * 403, 404 and 405 and only logs the rest; here the rest is tried again where that can help.
 */

import type { Outcome } from "../../core/outcome.ts";
import { type HttpFailure, type HttpReply, retryAfterMs } from "../http/mod.ts";

interface WebhookAnswerContext {
  /** Wall-clock time, for a `Retry-After` given as a date. */
  readonly nowMs: number;
  /** The subscription brought its own credential, so that a refusal says nothing of the others. */
  readonly ownCredential: boolean;
}

const SERVER_FLOOR_MS = 1_000;

/** Reads one answer. */
export function readWebhookAnswer(
  { status, headers }: Pick<HttpReply, "status" | "headers">,
  { nowMs, ownCredential }: WebhookAnswerContext,
): Outcome {
  const reason = `the receiver answered ${status}`;
  if (status >= 200 && status < 300) return { kind: "sent" };
  switch (status) {
    case 403:
    case 404:
    case 405:
      return { kind: "gone", reason };
    case 401:
    case 407:
      return ownCredential ? { kind: "rejected", reason } : {
        kind: "misconfigured",
        reason: `${reason}: check 'webhookSecret', or 'login' and 'password', in webhooks.yml`,
      };
    case 408:
    case 425:
    case 429:
    case 503: {
      const afterMs = retryAfterMs(headers.get("retry-after"), nowMs, { floorMs: SERVER_FLOOR_MS });
      return { kind: "retry", reason, afterMs };
    }
    default:
      // Redirects are never followed: the next host was not checked.
      return status >= 500
        ? { kind: "retry", reason, afterMs: SERVER_FLOOR_MS }
        : { kind: "rejected", reason };
  }
}

/** What a request that got no answer means. */
export function readWebhookFailure({ fault, reason }: HttpFailure): Outcome {
  switch (fault) {
    case "certificate":
      return { kind: "misconfigured", reason };
    case "blocked":
      return { kind: "rejected", reason };
    case "no_h2":
    case "aborted":
    case "refused_stream":
    case "connect":
    case "goaway":
    case "died":
    case "timeout":
      return { kind: "retry", reason };
  }
}
