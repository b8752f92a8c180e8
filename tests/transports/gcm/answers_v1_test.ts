import assert from "node:assert/strict";
import { readFcmAnswer } from "../../../transports/gcm/answers_v1.ts";
import { readGcmFailure } from "../../../transports/gcm/answers_failed.ts";
import type { FetchFault } from "../../../transports/http/mod.ts";

const NOW = Date.UTC(2026, 0, 1);
const FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";
const QUOTA_FAILURE = "type.googleapis.com/google.rpc.QuotaFailure";

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

interface Row {
  readonly name: string;
  readonly status: number;
  readonly text?: string;
  readonly retryAfter?: string;
  readonly expected: Record<string, unknown>;
}

const HTML = "<!DOCTYPE html><title>Error</title>";

const ROWS: readonly Row[] = [
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

for (const { name, status, text = "", retryAfter, expected } of ROWS) {
  Deno.test(`readFcmAnswer() reads ${name} as ${expected.kind}`, () => {
    const headers = new Headers(retryAfter ? { "retry-after": retryAfter } : {});
    const outcome: Record<string, unknown> = { ...readFcmAnswer({ status, headers, text }, NOW) };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(outcome[key], value, key);
  });
}

Deno.test("readFcmAnswer() never removes a token for an answer of unknown form", () => {
  const bodies = ["", "null", "[]", "7", '"x"', "{", '{"error":null}', '{"error":{"details":7}}'];
  for (let status = 200; status < 600; status++) {
    for (const text of bodies) {
      const { kind } = readFcmAnswer({ status, headers: new Headers(), text }, NOW);
      assert.ok(kind !== "gone" && kind !== "sent", `${status} ${text}`);
    }
  }
});

Deno.test("readFcmAnswer() passes no description on, as it may quote the message", () => {
  const text = fcmError("INVALID_ARGUMENT", "INVALID_ARGUMENT", {
    "@type": BAD_REQUEST,
    fieldViolations: [{ field: "message.data[0].value", description: "secret subject" }],
  });
  const outcome = readFcmAnswer({ status: 400, headers: new Headers(), text }, NOW);
  assert.ok(!JSON.stringify(outcome).includes("secret"));
  assert.ok(!JSON.stringify(outcome).includes("said so"));
});

const FAULTS: readonly (readonly [FetchFault, "no" | "unknown", Record<string, unknown>])[] = [
  ["refused_stream", "no", { kind: "retry", afterMs: undefined }],
  ["aborted", "no", { kind: "retry", afterMs: undefined }],
  ["aborted", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["connect", "no", { kind: "retry", afterMs: 10_000 }],
  ["goaway", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["died", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["timeout", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["certificate", "no", { kind: "misconfigured" }],
  ["no_h2", "no", { kind: "misconfigured" }],
  ["blocked", "no", { kind: "misconfigured" }],
];

for (const [fault, sent, expected] of FAULTS) {
  Deno.test(`readGcmFailure() reads ${fault} (sent: ${sent}) as ${expected.kind}`, () => {
    const outcome: Record<string, unknown> = {
      ...readGcmFailure({ kind: "failed", fault, sent, reason: "why" }),
    };
    assert.equal(outcome.reason, "why");
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(outcome[key], value, key);
  });
}
