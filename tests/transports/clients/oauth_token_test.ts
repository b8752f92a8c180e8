import assert from "node:assert/strict";
import type { HttpResult } from "../../../transports/http/mod.ts";
import { readTokenAnswer } from "../../../transports/clients/mod.ts";

const NOW = Date.UTC(2026, 0, 1);

function read(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return readResult({ kind: "reply", status, headers: new Headers(headers), text });
}

function readResult(result: HttpResult) {
  return readTokenAnswer(result, { nowMs: NOW, defaultLifetimeMs: 86_400_000 });
}

function failureOf(answer: ReturnType<typeof readTokenAnswer>): Record<string, unknown> {
  assert.ok(answer.kind === "failed");
  return { ...answer.failure };
}

for (
  const [name, expires, lifetimeMs] of [
    ["a number", 3599, 3_599_000],
    ["a text, as Entra sends it", "86399", 86_399_000],
    ["nothing", undefined, 86_400_000],
    ["nonsense", "soon", 86_400_000],
    ["less than nothing", -5, 86_400_000],
  ] as const
) {
  Deno.test(`readTokenAnswer() takes ${name} for expires_in`, () => {
    const answer = read(200, { access_token: "abc", token_type: "bearer", expires_in: expires });
    assert.deepEqual(answer, { kind: "token", value: "abc", lifetimeMs });
  });
}

Deno.test("readTokenAnswer() refuses a token that would break a header", () => {
  assert.equal(failureOf(read(200, { access_token: "a\r\nb: c" })).kind, "misconfigured");
  assert.equal(failureOf(read(200, { access_token: "" })).kind, "misconfigured");
  assert.equal(failureOf(read(200, "<html>")).kind, "misconfigured");
});

Deno.test("readTokenAnswer() explains a refusal to the operator, without quoting it", () => {
  const failure = failureOf(read(400, {
    error: "invalid_grant",
    error_description: "Invalid JWT: eyJsecret",
  }));
  assert.deepEqual(failure, {
    kind: "misconfigured",
    reason: "No access token: 400 invalid_grant " +
      "(the key was deleted, or this machine's clock is wrong)",
  });
});

Deno.test("readTokenAnswer() passes Entra's own number on", () => {
  const failure = failureOf(read(401, {
    error: "invalid_client",
    error_description: "AADSTS7000215: Invalid client secret provided: hunter2",
  }));
  assert.match(String(failure.reason), /401 invalid_client AADSTS7000215/);
  assert.ok(!String(failure.reason).includes("hunter2"));
});

for (const status of [301, 400, 401, 403, 404]) {
  Deno.test(`readTokenAnswer() leaves ${status} to the operator`, () => {
    assert.equal(failureOf(read(status, "{}")).kind, "misconfigured");
  });
}

for (const status of [408, 429, 500, 502, 503]) {
  Deno.test(`readTokenAnswer() waits after ${status}, with the whole client`, () => {
    const failure = failureOf(read(status, "busy", { "retry-after": "30" }));
    assert.deepEqual([failure.kind, failure.afterMs, failure.scope], ["retry", 30_000, "client"]);
    assert.equal(failureOf(read(status, "busy")).afterMs, 10_000);
  });
}

Deno.test("readTokenAnswer() waits after an endpoint that did not answer", () => {
  const timeout = readResult({ kind: "failed", sent: "unknown", fault: "timeout", reason: "why" });
  assert.deepEqual(failureOf(timeout), {
    kind: "retry",
    reason: "No access token: why",
    afterMs: 10_000,
    scope: "client",
  });
});

Deno.test("readTokenAnswer() leaves a certificate that is not trusted to the operator", () => {
  const failed = readResult({ kind: "failed", sent: "no", fault: "certificate", reason: "why" });
  assert.equal(failureOf(failed).kind, "misconfigured");
});

Deno.test("readTokenAnswer() adds no wait where the client itself was replaced", () => {
  const failed = readResult({ kind: "failed", sent: "no", fault: "aborted", reason: "why" });
  assert.deepEqual(failureOf(failed), { kind: "retry", reason: "No access token: why" });
});
