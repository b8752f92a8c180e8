import assert from "node:assert/strict";
import type { FetchFault } from "../../../transports/http/mod.ts";
import { readWnsAnswer, readWnsFailure } from "../../../transports/wns/answers.ts";

const NOW = Date.UTC(2026, 0, 1);

interface Row {
  readonly name: string;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly credentialAccepted?: boolean;
  readonly expected: Record<string, unknown>;
}

const ROWS: readonly Row[] = [
  {
    name: "200 received",
    status: 200,
    headers: { "X-WNS-Status": "received", "X-WNS-Msg-ID": "4F2A" },
    expected: { kind: "sent", providerId: "4F2A" },
  },
  {
    name: "200 received under the older name",
    status: 200,
    headers: { "X-WNS-NotificationStatus": "Received" },
    expected: { kind: "sent", providerId: undefined },
  },
  {
    name: "200 dropped",
    status: 200,
    headers: { "X-WNS-Status": "dropped", "X-WNS-Error-Description": "User blocked" },
    expected: { kind: "rejected", reason: "dropped: 200 (User blocked)" },
  },
  {
    name: "200 dropped under the older name",
    status: 200,
    headers: { "X-WNS-NotificationStatus": "dropped" },
    expected: { kind: "rejected" },
  },
  {
    name: "200 channelthrottled with CONTINUE-AFTER",
    status: 200,
    headers: { "X-WNS-Status": "channelthrottled", "X-WNS-CONTINUE-AFTER": "120" },
    expected: { kind: "retry", afterMs: 120_000, scope: "address" },
  },
  {
    name: "200 channelthrottled with Retry-After",
    status: 200,
    headers: { "X-WNS-Status": "channelthrottled", "Retry-After": "3" },
    expected: { kind: "retry", afterMs: 10_000, scope: "address" },
  },
  {
    name: "200 channelthrottled that does not say for how long",
    status: 200,
    headers: { "X-WNS-Status": "channelthrottled" },
    expected: { kind: "retry", afterMs: 600_000, scope: "address" },
  },
  { name: "200 without a status", status: 200, expected: { kind: "rejected" } },
  { name: "307", status: 307, expected: { kind: "rejected", reason: "307" } },
  {
    name: "400 with all that support asks for",
    status: 400,
    headers: {
      "X-WNS-Error-Description": "Ttl value conflicts with X-WNS-Cache-Policy",
      "X-WNS-Debug-Trace": "DB5",
      "X-WNS-Msg-ID": "4F2A",
      "MS-CV": "abc.0",
    },
    expected: {
      kind: "rejected",
      reason: "400 (Ttl value conflicts with X-WNS-Cache-Policy; x-wns-debug-trace DB5; " +
        "x-wns-msg-id 4F2A; ms-cv abc.0)",
    },
  },
  { name: "401", status: 401, expected: { kind: "stale" } },
  { name: "403", status: 403, expected: { kind: "misconfigured" } },
  {
    name: "403 to a credential that another channel has taken",
    status: 403,
    credentialAccepted: true,
    expected: { kind: "gone" },
  },
  { name: "404", status: 404, expected: { kind: "gone" } },
  { name: "405", status: 405, expected: { kind: "rejected" } },
  {
    name: "406 with Retry-After",
    status: 406,
    headers: { "Retry-After": "90" },
    expected: { kind: "retry", afterMs: 90_000, scope: "client" },
  },
  { name: "406", status: 406, expected: { kind: "retry", afterMs: 3_600_000, scope: "client" } },
  {
    name: "410",
    status: 410,
    headers: { "X-WNS-Error-Description": "Channel expired" },
    expected: { kind: "gone" },
  },
  {
    name: "410 Domain Blocked",
    status: 410,
    headers: { "X-WNS-Error-Description": "Domain Blocked" },
    expected: { kind: "misconfigured" },
  },
  { name: "412", status: 412, expected: { kind: "retry", afterMs: 3_600_000, scope: "address" } },
  { name: "413", status: 413, expected: { kind: "rejected" } },
  { name: "429", status: 429, expected: { kind: "retry", afterMs: 60_000, scope: "client" } },
  { name: "500", status: 500, expected: { kind: "retry", afterMs: 10_000 } },
  { name: "502", status: 502, expected: { kind: "retry", afterMs: 10_000 } },
  {
    name: "503 with Retry-After",
    status: 503,
    headers: { "Retry-After": new Date(NOW + 20_000).toUTCString() },
    expected: { kind: "retry", afterMs: 20_000 },
  },
  { name: "503", status: 503, expected: { kind: "retry", afterMs: 10_000 } },
];

for (const { name, status, headers = {}, credentialAccepted = false, expected } of ROWS) {
  Deno.test(`readWnsAnswer() reads ${name} as ${expected.kind}`, () => {
    const answer = { status, headers: new Headers(headers) };
    const outcome: Record<string, unknown> = {
      ...readWnsAnswer(answer, { nowMs: NOW, credentialAccepted }),
    };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(outcome[key], value, key);
  });
}

Deno.test("readWnsAnswer() ends a channel for 404 and 410 only, until the credential is accepted", () => {
  for (let status = 200; status < 600; status++) {
    const answer = { status, headers: new Headers() };
    const { kind } = readWnsAnswer(answer, { nowMs: NOW, credentialAccepted: false });
    assert.equal(kind === "gone", status === 404 || status === 410, `${status}`);
  }
});

Deno.test("readWnsAnswer() shortens a server's text for the log", () => {
  const headers = new Headers({ "x-wns-error-description": "x".repeat(5000) });
  const outcome = readWnsAnswer({ status: 400, headers }, {
    nowMs: NOW,
    credentialAccepted: false,
  });
  assert.ok(JSON.stringify(outcome).length < 300);
});

const FAULTS: readonly (readonly [FetchFault, "no" | "unknown", Record<string, unknown>])[] = [
  ["refused_stream", "no", { kind: "retry", afterMs: 10_000 }],
  ["aborted", "no", { kind: "retry", afterMs: undefined }],
  ["aborted", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["connect", "no", { kind: "retry", afterMs: 10_000 }],
  ["goaway", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["died", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["timeout", "unknown", { kind: "retry", afterMs: 10_000 }],
  ["certificate", "no", { kind: "misconfigured" }],
  ["no_h2", "no", { kind: "misconfigured" }],
  ["blocked", "no", { kind: "rejected" }],
];

for (const [fault, sent, expected] of FAULTS) {
  Deno.test(`readWnsFailure() reads ${fault} (sent: ${sent}) as ${expected.kind}`, () => {
    const outcome: Record<string, unknown> = {
      ...readWnsFailure({ kind: "failed", fault, sent, reason: "why" }),
    };
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(outcome[key], value, key);
  });
}
