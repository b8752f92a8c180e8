import assert from "node:assert/strict";
import { readLegacyAnswer } from "../../../transports/gcm/answers_legacy.ts";

const ADDRESSED = { token: "older", nowMs: Date.UTC(2026, 0, 1) };

interface Row {
  readonly name: string;
  readonly status?: number;
  readonly text?: string;
  readonly retryAfter?: string;
  readonly expected: Record<string, unknown>;
}

function result(fields: Record<string, unknown>): string {
  return JSON.stringify({
    multicast_id: 1,
    success: fields.error ? 0 : 1,
    failure: fields.error ? 1 : 0,
    canonical_ids: fields.registration_id ? 1 : 0,
    results: [fields],
  });
}

function error(code: string, expected: Record<string, unknown>, retryAfter?: string): Row {
  return {
    name: retryAfter ? `${code} with Retry-After ${retryAfter}` : code,
    text: result({ error: code }),
    expected,
    ...retryAfter && { retryAfter },
  };
}

const ROWS: readonly Row[] = [
  {
    name: "a message id",
    text: result({ message_id: "0:1" }),
    expected: { kind: "sent", providerId: "0:1", newToken: undefined },
  },
  {
    name: "a message id with a canonical id",
    text: result({ message_id: "0:1", registration_id: "newer" }),
    expected: { kind: "sent", providerId: "0:1", newToken: "newer" },
  },
  {
    name: "the same token as canonical id",
    text: result({ message_id: "0:1", registration_id: "older" }),
    expected: { kind: "sent", providerId: "0:1", newToken: undefined },
  },
  { name: "invalid JSON, said with 400", status: 400, expected: { kind: "rejected" } },
  { name: "a bad key, said with 401", status: 401, expected: { kind: "misconfigured" } },
  { name: "a bad key, said with 403", status: 403, expected: { kind: "misconfigured" } },
  {
    name: "the retired endpoint",
    status: 404,
    text: "<html>Not Found</html>",
    expected: {
      kind: "misconfigured",
      reason: "404: Google shut the legacy API in 2024; set 'serviceaccount' instead of 'key', " +
        "or 'address' to a server that still speaks the legacy format",
    },
  },
  { name: "a redirect", status: 302, expected: { kind: "misconfigured" } },
  { name: "429", status: 429, expected: { kind: "retry", afterMs: 60_000, scope: "client" } },
  { name: "500", status: 500, expected: { kind: "retry", afterMs: 10_000 } },
  {
    name: "503 with Retry-After",
    status: 503,
    retryAfter: "30",
    expected: { kind: "retry", afterMs: 30_000 },
  },
  { name: "200 as HTML", text: "<html></html>", expected: { kind: "misconfigured" } },
  { name: "200 without results", text: "{}", expected: { kind: "misconfigured" } },
  { name: "200 with an empty result", text: result({}), expected: { kind: "misconfigured" } },
  error("NotRegistered", { kind: "gone", reason: "NotRegistered" }),
  error("InvalidRegistration", { kind: "gone" }),
  error("MissingRegistration", { kind: "gone" }),
  error("MismatchSenderId", { kind: "gone" }),
  error("InvalidPackageName", { kind: "gone" }),
  error("MessageTooBig", { kind: "rejected" }),
  error("InvalidDataKey", { kind: "rejected" }),
  error("InvalidTtl", { kind: "rejected" }),
  error("InvalidParameters", { kind: "rejected" }),
  error("SomethingNew", { kind: "rejected", reason: "SomethingNew" }),
  error("Unavailable", { kind: "retry", afterMs: 10_000 }),
  error("Unavailable", { kind: "retry", afterMs: 25_000 }, "25"),
  error("InternalServerError", { kind: "retry", afterMs: 10_000 }),
  error("DeviceMessageRateExceeded", { kind: "retry", afterMs: 60_000, scope: "address" }),
  error("TopicsMessageRateExceeded", { kind: "retry", afterMs: 60_000, scope: "address" }),
  error("InvalidApnsCredential", { kind: "misconfigured" }),
];

for (const { name, status = 200, text = "", retryAfter, expected } of ROWS) {
  Deno.test(`readLegacyAnswer() reads ${name} as ${expected.kind}`, () => {
    const headers = new Headers(retryAfter ? { "retry-after": retryAfter } : {});
    const outcome: Record<string, unknown> = {
      ...readLegacyAnswer({ status, headers, text }, ADDRESSED),
    };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(outcome[key], value, key);
  });
}

Deno.test("readLegacyAnswer() removes no token for an answer of unknown form", () => {
  const bodies = ["", "null", "[]", '{"results":7}', '{"results":[null]}', '{"results":[{"a":1}]}'];
  for (let status = 200; status < 600; status++) {
    for (const text of bodies) {
      const { kind } = readLegacyAnswer({ status, headers: new Headers(), text }, ADDRESSED);
      assert.ok(kind !== "gone" && kind !== "sent", `${status} ${text}`);
    }
  }
});
