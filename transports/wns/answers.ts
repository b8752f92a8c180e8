/**
 * Maps WNS' answers to outcomes, as a pure table over the status and the `X-WNS-…` headers.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers
 */

import type { Outcome } from "../../core/outcome.ts";
import type { StaleTokenAnswer } from "../clients/mod.ts";
import { type AnswerHeaders, type HttpFailure, type HttpReply, retryAfterMs } from "../http/mod.ts";

interface WnsAnswerContext {
  /** Wall-clock time, for a `Retry-After` date. */
  readonly nowMs: number;
  /** Whether WNS has accepted the client's credential for some channel. */
  readonly credentialAccepted: boolean;
}

const SERVER_FLOOR_MS = 10_000;
const RATE_FLOOR_MS = 60_000;
/** The wait where WNS throttles without naming one. */
const CHANNEL_WAIT_MS = 600_000;
const THROTTLE_WAIT_MS = 3_600_000;
const UNREACHABLE_WAIT_MS = 3_600_000;

/** Returns the outcome of an answer. */
export function readWnsAnswer(
  { status, headers }: Pick<HttpReply, "status" | "headers">,
  { nowMs, credentialAccepted }: WnsAnswerContext,
): Outcome | StaleTokenAnswer {
  const reason = `${status}${describe(headers)}`;
  const retry = (floorMs: number, scope: "address" | "client" = "address"): Outcome => ({
    kind: "retry",
    reason,
    afterMs: retryAfterMs(headers.get("retry-after"), nowMs, { floorMs }),
    scope,
  });
  if (status >= 200 && status < 300) return readStatus(headers, { nowMs, reason });
  switch (status) {
    case 401:
      return { kind: "stale", reason };
    case 403:
      // The access token belongs to another app than the channel. A credential that works for other
      // channels is the right one.
      return credentialAccepted ? { kind: "gone", reason } : {
        kind: "misconfigured",
        reason: `${reason}: the credential does not belong to the app that made the channel`,
      };
    case 404:
      return { kind: "gone", reason };
    case 406: {
      const given = headers.get("retry-after") !== null;
      return retry(given ? SERVER_FLOOR_MS : THROTTLE_WAIT_MS, "client");
    }
    case 407:
      return { kind: "misconfigured", reason: `${reason}: a proxy requires authentication` };
    case 408:
      return retry(SERVER_FLOOR_MS);
    case 410:
      return /domain\s+blocked/i.test(headers.get("x-wns-error-description") ?? "")
        ? { kind: "misconfigured", reason: `${reason}: Microsoft has blocked this sender` }
        : { kind: "gone", reason };
    case 412:
      return retry(UNREACHABLE_WAIT_MS);
    case 429:
      return retry(RATE_FLOOR_MS, "client");
    default:
      // Redirects are not followed, because the next host is not checked.
      return status >= 500 ? retry(SERVER_FLOOR_MS) : { kind: "rejected", reason };
  }
}

/** Returns the outcome of a failed request. */
export function readWnsFailure({ fault, sent, reason }: HttpFailure): Outcome {
  switch (fault) {
    case "certificate":
    case "no_h2":
      return { kind: "misconfigured", reason };
    case "blocked":
      return { kind: "rejected", reason };
    case "aborted":
    case "refused_stream":
    case "connect":
    case "goaway":
    case "died":
    case "timeout":
      return fault === "aborted" && sent === "no"
        ? { kind: "retry", reason }
        : { kind: "retry", reason, afterMs: SERVER_FLOOR_MS };
  }
}

/** A 200 only says that WNS has read the request; the header names the result. */
function readStatus(
  headers: AnswerHeaders,
  { nowMs, reason }: { readonly nowMs: number; readonly reason: string },
): Outcome {
  // Servers also send the older name.
  const status = headers.get("x-wns-status") ?? headers.get("x-wns-notificationstatus");
  switch (status?.trim().toLowerCase()) {
    case "received": {
      const id = headers.get("x-wns-msg-id");
      return { kind: "sent", ...id && { providerId: id.slice(0, 256) } };
    }
    case "dropped":
      return { kind: "rejected", reason: `dropped: ${reason}` };
    case "channelthrottled":
      return {
        kind: "retry",
        reason: `channelthrottled: ${reason}`,
        afterMs: throttleMs(headers, nowMs),
        scope: "address",
      };
    default:
      return { kind: "rejected", reason: `${reason} without a known X-WNS-Status` };
  }
}

function throttleMs(headers: AnswerHeaders, nowMs: number): number {
  const given = headers.get("x-wns-continue-after") ?? headers.get("retry-after");
  const waitMs = retryAfterMs(given, nowMs, { floorMs: 0 });
  return waitMs > 0 ? Math.max(waitMs, SERVER_FLOOR_MS) : CHANNEL_WAIT_MS;
}

/** Returns the headers that Microsoft's support asks for, shortened for the log. */
function describe(headers: AnswerHeaders): string {
  const parts = [
    headers.get("x-wns-error-description"),
    ...["x-wns-debug-trace", "x-wns-msg-id", "ms-cv"].map((name) => {
      const value = headers.get(name);
      return value ? `${name} ${value}` : null;
    }),
  ];
  const shown = parts.filter((part) => part).map((part) => part!.slice(0, 200));
  return shown.length > 0 ? ` (${shown.join("; ")})` : "";
}
