import assert from "node:assert/strict";
import { readFcmAnswer } from "../../../transports/gcm/answers_v1.ts";
import { readGcmFailure } from "../../../transports/gcm/answers_failed.ts";
import type { FetchFault } from "../../../transports/http/mod.ts";
import { BAD_REQUEST, FCM_ROWS, invalidArgument, NOW } from "./_answer_rows.ts";

for (const { name, status, text = "", retryAfter, expected } of FCM_ROWS) {
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
  const text = invalidArgument({
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
