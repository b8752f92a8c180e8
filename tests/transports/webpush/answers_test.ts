import assert from "node:assert/strict";
import type { FetchFault } from "../../../transports/http/mod.ts";
import {
  readWebPushAnswer,
  readWebPushFailure,
  type WebPushAnswerContext,
} from "../../../transports/webpush/answers.ts";

const NOW = Date.UTC(2026, 0, 1);
const CONTEXT: WebPushAnswerContext = { nowMs: NOW, refreshedAt: NOW - 3_600_000, trust: "known" };

interface Row {
  readonly says: string;
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly text?: string;
  readonly means: ReturnType<typeof readWebPushAnswer>;
}

const TABLE: readonly Row[] = [
  { says: "201", status: 201, means: { kind: "sent" } },
  { says: "200", status: 200, means: { kind: "sent" } },
  {
    says: "201 with Apple's id",
    status: 201,
    headers: { "apns-id": "AB-12" },
    means: { kind: "sent", providerId: "AB-12" },
  },
  {
    says: "201 of Windows that drops",
    status: 201,
    headers: { "x-wns-status": "dropped" },
    means: { kind: "rejected", reason: "201: dropped" },
  },
  {
    says: "201 of Windows that throttles the channel",
    status: 201,
    headers: { "x-wns-status": "channelthrottled" },
    means: { kind: "retry", reason: "201: throttled", afterMs: 600_000 },
  },
  {
    says: "302",
    status: 302,
    headers: { location: "http://169.254.169.254/" },
    means: {
      kind: "rejected",
      reason: "302: the endpoint redirects, and redirects are not followed",
    },
  },
  ...["BadTtl", "BadUrgency", "BadWebPushTopic", "BadWebPushRequest"].map((reason): Row => ({
    says: `400 ${reason} of Apple`,
    status: 400,
    text: JSON.stringify({ reason }),
    means: { kind: "rejected", reason: `400 ${reason}` },
  })),
  {
    says: "400 of Windows, with its reason in a header",
    status: 400,
    headers: { "x-wns-error-description": "Ttl value conflicts with X-WNS-Cache-Policy" },
    means: { kind: "rejected", reason: "400 Ttl value conflicts with X-WNS-Cache-Policy" },
  },
  {
    says: "400 VapidPkHashMismatch of Apple",
    status: 400,
    text: '{"reason":"VapidPkHashMismatch"}',
    means: { kind: "mismatch", reason: "400 VapidPkHashMismatch" },
  },
  {
    says: "400 UnauthorizedRegistration of Google",
    status: 400,
    text: "<H1>UnauthorizedRegistration</H1>",
    means: { kind: "mismatch", reason: "400" },
  },
  {
    says: "403 of Google for another key",
    status: 403,
    text:
      "the VAPID credentials in the authorization header do not correspond to the credentials " +
      "used to create the subscriptions.\n",
    means: { kind: "mismatch", reason: "403" },
  },
  {
    says: "401 of Mozilla for another key",
    status: 401,
    text: '{"code":401,"errno":109,"error":"Unauthorized","message":"VAPID public key mismatch"}',
    means: { kind: "mismatch", reason: "401 errno 109" },
  },
  {
    says: "401 of Mozilla",
    status: 401,
    text: '{"code":401,"errno":109,"error":"Unauthorized","message":"Invalid bearer"}',
    means: { kind: "refused", reason: "401 errno 109" },
  },
  ...["BadJwtToken", "BadVapidPublicKey"].map((reason): Row => ({
    says: `403 ${reason} of Apple`,
    status: 403,
    text: JSON.stringify({ reason }),
    means: { kind: "refused", reason: `403 ${reason}` },
  })),
  {
    says: "404 of Mozilla",
    status: 404,
    text: '{"errno":102}',
    means: { kind: "gone", reason: "404 errno 102" },
  },
  ...[103, 105, 106].map((errno): Row => ({
    says: `410 of Mozilla, errno ${errno}`,
    status: 410,
    text: JSON.stringify({ errno }),
    means: { kind: "gone", reason: `410 errno ${errno}` },
  })),
  {
    says: "407",
    status: 407,
    means: { kind: "misconfigured", reason: "407: a proxy requires authentication" },
  },
  {
    says: "413 of Mozilla",
    status: 413,
    text: '{"errno":104}',
    means: { kind: "rejected", reason: "413 errno 104" },
  },
  { says: "429", status: 429, means: { kind: "retry", reason: "429", afterMs: 60_000 } },
  {
    says: "429 with a longer Retry-After",
    status: 429,
    headers: { "retry-after": "120" },
    means: { kind: "retry", reason: "429", afterMs: 120_000 },
  },
  {
    says: "429 with a date",
    status: 429,
    headers: { "retry-after": new Date(NOW + 300_000).toUTCString() },
    means: { kind: "retry", reason: "429", afterMs: 300_000 },
  },
  {
    says: "406 of Windows",
    status: 406,
    means: { kind: "retry", reason: "406", afterMs: 3_600_000 },
  },
  ...[500, 502, 503, 504].map((status): Row => ({
    says: `${status}`,
    status,
    means: { kind: "retry", reason: `${status}`, afterMs: 10_000 },
  })),
  {
    says: "503 of Mozilla to back off",
    status: 503,
    text: '{"errno":201}',
    means: { kind: "retry", reason: "503 errno 201", afterMs: 10_000 },
  },
  {
    says: "503 of Mozilla to repeat at once",
    status: 503,
    text: '{"errno":202}',
    means: { kind: "retry", reason: "503 errno 202", afterMs: 0 },
  },
  { says: "418", status: 418, means: { kind: "rejected", reason: "418" } },
];

for (const { says, status, headers = {}, text = "", means } of TABLE) {
  Deno.test(`${says} means ${means.kind}`, () => {
    const reply = { kind: "reply", status, headers: new Headers(headers), text } as const;
    assert.deepEqual(readWebPushAnswer(reply, CONTEXT), means);
  });
}

Deno.test("a 410 within a minute of subscribing is retried after that minute", () => {
  const context = { ...CONTEXT, refreshedAt: NOW - 20_000 };
  assert.deepEqual(readWebPushAnswer(gone(), context), {
    kind: "retry",
    reason: "410, but just subscribed",
    afterMs: 40_000,
  });
});

Deno.test("a clock that was set back keeps no dead subscription", () => {
  const context = { ...CONTEXT, refreshedAt: NOW + 3_600_000 };
  assert.equal(readWebPushAnswer(gone(), context).kind, "gone");
});

Deno.test("what a push service says is shortened for the log", () => {
  const text = JSON.stringify({ reason: "https://web.push.apple.com/secret" });
  const reply = { kind: "reply", status: 400, headers: new Headers(), text } as const;
  assert.deepEqual(readWebPushAnswer(reply, CONTEXT), { kind: "rejected", reason: "400" });
});

for (
  const [fault, trust, kind] of [
    ["connect", "known", "retry"],
    ["timeout", "known", "retry"],
    ["died", "known", "retry"],
    ["goaway", "known", "retry"],
    ["refused_stream", "known", "retry"],
    ["aborted", "known", "retry"],
    ["no_h2", "known", "retry"],
    ["blocked", "own", "rejected"],
    ["certificate", "known", "misconfigured"],
    ["certificate", "own", "retry"],
    ["certificate", "public", "retry"],
  ] as const satisfies readonly (readonly [FetchFault, WebPushAnswerContext["trust"], string])[]
) {
  Deno.test(`no answer from a ${trust} host because of '${fault}' means ${kind}`, () => {
    const failure = { kind: "failed", fault, sent: "unknown", reason: "why" } as const;
    assert.equal(readWebPushFailure(failure, { trust }).kind, kind);
  });
}

function gone() {
  return { kind: "reply", status: 410, headers: new Headers(), text: "" } as const;
}
