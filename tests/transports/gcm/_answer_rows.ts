/** The table of FCM's answers, row by row, and what each comes to. */

/** When the answers are read. */
export const NOW = Date.UTC(2026, 0, 1);

const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
/** The type of the detail that names the field at fault. */
export const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";
const QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure";

/** The body of an error about one field or another of the request. */
export function invalidArgument(detail: unknown): string {
  return fcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT", detail);
}

function fcmError(status: string, errorCode?: string, ...details: unknown[]): string {
  const own = errorCode ? [{ "@type": FCM_ERROR, errorCode }] : [];
  return JSON.stringify({
    error: { code: 0, message: "said so", status, details: [...details, ...own] },
  });
}

function violation(field: string) {
  return { "@type": BAD_REQUEST, fieldViolations: [{ field, description: "Invalid" }] };
}

function quota(subject: string) {
  return { "@type": QUOTA_FAILURE, violations: [{ subject, description: "exceeded" }] };
}

/** An answer. */
export interface FcmRow {
  readonly name: string;
  readonly status: number;
  readonly text?: string;
  readonly retryAfter?: string;
  /** Fields of the outcome; others may be there, too. */
  readonly expected: Record<string, unknown>;
}

const HTML = "<!DOCTYPE html><title>Error</title>";

/** All of them. */
export const FCM_ROWS: readonly FcmRow[] = [
  {
    name: "200 with a name is sent",
    status: 200,
    text: `{"name":"projects/p/messages/1"}`,
    expected: { kind: "sent", providerId: "projects/p/messages/1" },
  },
  { name: "200 of something else", status: 200, text: HTML, expected: { kind: "misconfigured" } },
  { name: "302", status: 302, expected: { kind: "misconfigured" } },
  {
    name: "400 that blames message.token",
    status: 400,
    text: fcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT", violation("message.token")),
    expected: { kind: "gone", reason: "400 INVALID_ARGUMENT on message.token" },
  },
  {
    name: "400 that blames message.token and has no FcmError",
    status: 400,
    text: fcmError("INVALID_ARGUMENT", undefined, violation("message.token")),
    expected: { kind: "gone" },
  },
  {
    name: "400 that blames the token in words only",
    status: 400,
    text: fcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT").replace(
      "said so",
      "The registration token is not a valid FCM registration token",
    ),
    expected: { kind: "gone" },
  },
  {
    name: "400 that blames another field",
    status: 400,
    text: fcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT", violation("message.android.ttl")),
    expected: { kind: "rejected", reason: "400 INVALID_ARGUMENT on message.android.ttl" },
  },
  {
    name: "400 without details, as for a payload too large",
    status: 400,
    text: fcmError("INVALID_ARGUMENT"),
    expected: { kind: "rejected", reason: "400 INVALID_ARGUMENT" },
  },
  { name: "400 as HTML", status: 400, text: HTML, expected: { kind: "rejected", reason: "400" } },
  {
    name: "401 THIRD_PARTY_AUTH_ERROR",
    status: 401,
    text: fcmError("UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
    expected: { kind: "misconfigured" },
  },
  {
    name: "401 UNAUTHENTICATED",
    status: 401,
    text: fcmError("UNAUTHENTICATED"),
    expected: { kind: "stale", reason: "401 UNAUTHENTICATED" },
  },
  { name: "401 without a body", status: 401, expected: { kind: "stale" } },
  {
    name: "403 SENDER_ID_MISMATCH",
    status: 403,
    text: fcmError("PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
    expected: { kind: "gone", reason: "403 SENDER_ID_MISMATCH" },
  },
  {
    name: "403 PERMISSION_DENIED",
    status: 403,
    text: fcmError("PERMISSION_DENIED"),
    expected: { kind: "misconfigured" },
  },
  { name: "403 without a body", status: 403, expected: { kind: "misconfigured" } },
  {
    name: "404 UNREGISTERED",
    status: 404,
    text: fcmError("NOT_FOUND", "UNREGISTERED"),
    expected: { kind: "gone", reason: "404 UNREGISTERED" },
  },
  {
    name: "404 without FcmError",
    status: 404,
    text: fcmError("NOT_FOUND"),
    expected: { kind: "misconfigured" },
  },
  { name: "404 as HTML", status: 404, text: HTML, expected: { kind: "misconfigured" } },
  { name: "413", status: 413, expected: { kind: "rejected" } },
  {
    name: "429 without Retry-After waits a minute",
    status: 429,
    text: fcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    expected: { kind: "retry", afterMs: 60_000, scope: "client" },
  },
  {
    name: "429 with a longer Retry-After",
    status: 429,
    retryAfter: "90",
    text: fcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    expected: { kind: "retry", afterMs: 90_000, scope: "client" },
  },
  {
    name: "429 with a Retry-After below Google's floor",
    status: 429,
    retryAfter: "1",
    expected: { kind: "retry", afterMs: 60_000 },
  },
  {
    name: "429 for the project's quota",
    status: 429,
    text: fcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", quota("project:demo-project")),
    expected: { kind: "retry", scope: "client" },
  },
  {
    name: "429 for a device's quota",
    status: 429,
    text: fcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", quota("device:abc")),
    expected: { kind: "retry", scope: "address" },
  },
  {
    name: "429 for a topic's quota",
    status: 429,
    text: fcmError("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED", quota("topic:news")),
    expected: { kind: "retry", scope: "address" },
  },
  {
    name: "500 INTERNAL",
    status: 500,
    text: fcmError("INTERNAL", "INTERNAL"),
    expected: { kind: "retry", afterMs: 10_000, reason: "500 INTERNAL" },
  },
  {
    name: "503 UNAVAILABLE with a Retry-After date",
    status: 503,
    text: fcmError("UNAVAILABLE", "UNAVAILABLE"),
    retryAfter: new Date(NOW + 45_000).toUTCString(),
    expected: { kind: "retry", afterMs: 45_000 },
  },
  { name: "503 without Retry-After", status: 503, expected: { kind: "retry", afterMs: 10_000 } },
  { name: "502 as HTML", status: 502, text: HTML, expected: { kind: "retry", afterMs: 10_000 } },
  { name: "504 as HTML", status: 504, text: HTML, expected: { kind: "retry", afterMs: 10_000 } },
  {
    name: "503 with an absurd Retry-After is believed for an hour",
    status: 503,
    retryAfter: "999999999",
    expected: { kind: "retry", afterMs: 3_600_000 },
  },
];
