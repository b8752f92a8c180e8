/** The table of APNs' answers, row by row, and what each comes to. */

import { type ApnAnswerContext, readApnAnswer } from "../../../transports/apn/answers.ts";

const NOW = Date.UTC(2026, 0, 1);

/** What an answer is judged by. */
export const FACTS: ApnAnswerContext = { nowMs: NOW, refreshedAt: NOW - 1000, succeeded: true };

/** The kind of the outcome, or the remedy and the kind of the outcome when it does not help. */
export function brief(answer: ReturnType<typeof readApnAnswer>): string {
  return answer.kind === "resend" ? `${answer.remedy}, then ${answer.fallback.kind}` : answer.kind;
}

/** Statuses and reasons, and what `brief` says of them. */
export const APN_ROWS: readonly (readonly [status: number, reason: string, expected: string])[] = [
  [400, "BadCollapseId", "rejected"],
  [400, "BadDeviceToken", "gone"],
  [400, "BadExpirationDate", "rejected"],
  [400, "BadMessageId", "rejected"],
  [400, "BadPriority", "rejected"],
  [400, "InvalidPushType", "rejected"],
  [400, "DuplicateHeaders", "rejected"],
  [400, "PayloadEmpty", "rejected"],
  [400, "BadTopic", "misconfigured"],
  [400, "MissingTopic", "misconfigured"],
  [400, "TopicDisallowed", "misconfigured"],
  [400, "DeviceTokenNotForTopic", "gone"],
  [400, "MissingDeviceToken", "rejected"],
  [400, "IdleTimeout", "none, then retry"],
  [403, "ExpiredProviderToken", "new_token, then misconfigured"],
  [403, "InvalidProviderToken", "misconfigured"],
  [403, "MissingProviderToken", "misconfigured"],
  [403, "UnrelatedKeyIdInToken", "new_connections, then misconfigured"],
  [403, "BadEnvironmentKeyIdInToken", "misconfigured"],
  [403, "BadEnvironmentKeyInToken", "misconfigured"],
  [403, "BadCertificate", "misconfigured"],
  [403, "BadCertificateEnvironment", "misconfigured"],
  [403, "Forbidden", "misconfigured"],
  [404, "BadPath", "rejected"],
  [405, "MethodNotAllowed", "rejected"],
  [410, "Unregistered", "gone"],
  [410, "ExpiredToken", "gone"],
  [413, "PayloadTooLarge", "rejected"],
  [429, "TooManyRequests", "retry"],
  [429, "TooManyProviderTokenUpdates", "keep_token, then retry"],
  [500, "InternalServerError", "retry"],
  [503, "ServiceUnavailable", "retry"],
  [503, "Shutdown", "none, then retry"],
];
