import assert from "node:assert/strict";
import { type ApnAnswerContext, readApnAnswer } from "../../../transports/apn/answers.ts";
import type { FetchFault, HttpResult } from "../../../transports/http/mod.ts";
import { APN_ROWS, brief, FACTS } from "./_answer_rows.ts";

const NOW = FACTS.nowMs;

function reply(status: number, body: unknown, headers: Record<string, string> = {}): HttpResult {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return { kind: "reply", status, headers: new Headers(headers), text };
}

function judge(status: number, reason: string, facts: Partial<ApnAnswerContext> = {}) {
  return readApnAnswer(reply(status, { reason }), { ...FACTS, ...facts });
}

for (const [status, reason, expected] of APN_ROWS) {
  Deno.test(`${status} ${reason}: ${expected}`, () => {
    assert.equal(brief(judge(status, reason)), expected);
  });
}

Deno.test("200 is sent, with the id that APNs gave", () => {
  assert.deepEqual(readApnAnswer(reply(200, "", { "apns-id": "A" }), FACTS), {
    kind: "sent",
    providerId: "A",
  });
  assert.deepEqual(readApnAnswer(reply(200, ""), FACTS), { kind: "sent" });
});

Deno.test("no token is removed before one was accepted", () => {
  for (const reason of ["BadDeviceToken", "DeviceTokenNotForTopic"]) {
    const answer = judge(400, reason, { succeeded: false });
    assert.ok(answer.kind === "rejected");
    assert.match(answer.reason, new RegExp(`^${reason}.*check 'production'`));
  }
});

Deno.test("an unregistered token stays where the device has registered it again since", () => {
  const body = { reason: "Unregistered", timestamp: NOW - 5000 };
  assert.equal(readApnAnswer(reply(410, body), FACTS).kind, "rejected");
  const before = { ...FACTS, refreshedAt: NOW - 5000 };
  assert.equal(readApnAnswer(reply(410, body), before).kind, "gone");
  assert.equal(readApnAnswer(reply(410, { ...body, timestamp: "x" }), FACTS).kind, "gone");
});

Deno.test("too many requests to one device slow that device for a minute", () => {
  const answer = judge(429, "TooManyRequests");
  assert.deepEqual(answer, { kind: "retry", reason: "TooManyRequests", afterMs: 60_000 });
});

Deno.test("too many tokens slow the whole client for 20 minutes", () => {
  const answer = judge(429, "TooManyProviderTokenUpdates");
  assert.deepEqual(answer.kind === "resend" && answer.fallback, {
    kind: "retry",
    reason: "TooManyProviderTokenUpdates",
    afterMs: 20 * 60_000,
    scope: "client",
  });
});

Deno.test("a server error is retried after 15 minutes, or later where APNs says so", () => {
  const quarter = 15 * 60_000;
  for (const reason of ["InternalServerError", "ServiceUnavailable"]) {
    assert.deepEqual(judge(500, reason), { kind: "retry", reason, afterMs: quarter });
  }
  const later = readApnAnswer(reply(503, {}, { "retry-after": "1800" }), FACTS);
  assert.equal(later.kind === "retry" && later.afterMs, 2 * quarter);
});

Deno.test("unknown reasons fall back on the status", () => {
  const kinds = [302, 400, 401, 403, 404, 405, 410, 413, 418, 429, 500, 502].map((status) =>
    judge(status, "Novelty").kind
  );
  assert.deepEqual(kinds, [
    "misconfigured",
    "rejected",
    "misconfigured",
    "misconfigured",
    "rejected",
    "rejected",
    "gone",
    "rejected",
    "misconfigured",
    "retry",
    "retry",
    "retry",
  ]);
});

Deno.test("a body that is not from APNs stays out of the reason", () => {
  for (const body of ["<html>secret</html>", "[]", "", '{"reason":"two words"}', '{"reason":7}']) {
    const answer = readApnAnswer(reply(400, body), FACTS);
    assert.deepEqual(answer, { kind: "rejected", reason: "status 400 without a reason" });
  }
});

const FAULTS: Record<FetchFault, string> = {
  refused_stream: "retry",
  goaway: "retry",
  died: "retry",
  connect: "retry",
  timeout: "retry",
  aborted: "retry",
  certificate: "misconfigured",
  no_h2: "misconfigured",
  blocked: "misconfigured",
};

for (const [fault, expected] of Object.entries(FAULTS)) {
  Deno.test(`no answer because of ${fault}: ${expected}`, () => {
    const failed = { kind: "failed", sent: "unknown", reason: "why", fault } as const;
    assert.equal(readApnAnswer(failed as HttpResult, FACTS).kind, expected);
  });
}

Deno.test("a GOAWAY about the credential is a misconfiguration", () => {
  const goaway = { kind: "failed", sent: "unknown", fault: "goaway", reason: "closed" } as const;
  for (const goawayReason of ["BadCertificate", "BadCertificateEnvironment", "Forbidden"]) {
    const answer = readApnAnswer({ ...goaway, goawayReason }, FACTS);
    assert.deepEqual(answer, { kind: "misconfigured", reason: goawayReason });
  }
});

Deno.test("a GOAWAY about some device token says nothing about this one", () => {
  const goaway = { kind: "failed", sent: "unknown", fault: "goaway", reason: "closed" } as const;
  for (const goawayReason of ["BadDeviceToken", "IdleTimeout", "Shutdown"]) {
    assert.equal(readApnAnswer({ ...goaway, goawayReason }, FACTS).kind, "retry");
  }
});
