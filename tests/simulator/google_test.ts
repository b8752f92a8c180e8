import assert from "node:assert/strict";
import { faultToken } from "../../simulator/fault_script.ts";
import { bareFakes, material, type Raw, read, request, sign } from "./support.ts";

const { clientEmail, privateKeyId, privateKey, projectId } = material.fcm;
const TOKEN_URI = "https://google.test/token";
const DEVICE = "dev1:APA91bExample";

type Fakes = ReturnType<typeof bareFakes>;

/** Asks for an access token with an assertion in which some claims are overridden. */
async function askToken(fakes: Fakes, overrides: {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly grant?: string;
} = {}) {
  const iat = Math.floor(fakes.clock.now() / 1000);
  const assertion = await sign(
    {
      iss: clientEmail,
      scope: "https://www.googleapis.com/auth/firebase.messaging",
      aud: TOKEN_URI,
      iat,
      exp: iat + 3600,
      ...overrides.claims,
    },
    { alg: "RS256", typ: "JWT", kid: privateKeyId, ...overrides.header },
    { key: privateKey },
  );
  const form = new URLSearchParams({
    grant_type: overrides.grant ?? "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion,
  });
  return read(await fakes.handlers.google(request({ url: "/token", body: form.toString() })));
}

/** Sends a valid message with some parts overridden. */
async function send(message: unknown, raw: Partial<Raw> = {}, fakes = bareFakes()) {
  const { body } = await askToken(fakes);
  const answer = await fakes.handlers.google(request({
    url: `/v1/projects/${projectId}/messages:send`,
    body: JSON.stringify({ message }),
    ...raw,
    headers: { authorization: `Bearer ${body.access_token}`, ...raw.headers },
  }));
  return { ...read(answer), fakes };
}

function errorCodeOf(body: Awaited<ReturnType<typeof send>>["body"]): string | undefined {
  return body.error.details?.find((detail: { errorCode?: string }) => detail.errorCode)?.errorCode;
}

Deno.test("Google's token endpoint issues a token for a valid assertion", async () => {
  const { status, body } = await askToken(bareFakes());
  assert.equal(status, 200);
  assert.deepEqual([body.token_type, body.expires_in], ["Bearer", 3599]);
});

const nowSeconds = Math.floor(bareFakes().clock.now() / 1000);
const badAssertions: readonly (readonly [string, Parameters<typeof askToken>[1], string])[] = [
  ["an unknown account", { claims: { iss: "x@example.com" } }, "invalid_grant"],
  ["another audience", { claims: { aud: "https://example.com" } }, "invalid_grant"],
  ["a lifetime of more than an hour", { claims: { exp: nowSeconds + 3601 } }, "invalid_grant"],
  [
    "an end in the past",
    { claims: { iat: nowSeconds - 100, exp: nowSeconds - 1 } },
    "invalid_grant",
  ],
  [
    "a beginning in the future",
    { claims: { iat: nowSeconds + 300, exp: nowSeconds + 600 } },
    "invalid_grant",
  ],
  ["another key id", { header: { kid: "other" } }, "invalid_grant"],
  ["another scope", { claims: { scope: "email" } }, "invalid_scope"],
  ["another grant", { grant: "password" }, "unsupported_grant_type"],
];
for (const [what, overrides, error] of badAssertions) {
  Deno.test(`Google's token endpoint refuses ${what}`, async () => {
    const { status, body } = await askToken(bareFakes(), overrides);
    assert.deepEqual([status, body.error], [400, error]);
  });
}

Deno.test("FCM accepts a message and returns its name", async () => {
  const message = { token: DEVICE, data: { a: "1" }, android: { ttl: "60s", priority: "HIGH" } };
  const { status, body, fakes } = await send(message);
  assert.equal(status, 200);
  assert.match(body.name, new RegExp(`^projects/${projectId}/messages/.+`));
  assert.deepEqual(fakes.received.list()[0]?.payload, message);
});

Deno.test("FCM refuses an unknown access token, and one that has ended", async () => {
  const unknown = await send({ token: DEVICE }, { headers: { authorization: "Bearer x" } });
  assert.deepEqual([unknown.status, unknown.body.error.status], [401, "UNAUTHENTICATED"]);
  const fakes = bareFakes();
  const { body } = await askToken(fakes);
  await fakes.clock.advance(3600_000);
  const late = await send({ token: DEVICE }, {
    headers: { authorization: `Bearer ${body.access_token}` },
  }, fakes);
  assert.equal(late.status, 401);
});

Deno.test("FCM refuses access tokens once they are revoked", async () => {
  const fakes = bareFakes();
  const { body } = await askToken(fakes);
  fakes.revokeTokens();
  const headers = { authorization: `Bearer ${body.access_token}` };
  assert.equal((await send({ token: DEVICE }, { headers }, fakes)).status, 401);
});

Deno.test("FCM refuses another project, and answers other paths in HTML", async () => {
  const other = await send({ token: DEVICE }, { url: "/v1/projects/other/messages:send" });
  assert.deepEqual([other.status, other.body.error.status], [403, "PERMISSION_DENIED"]);
  const page = await send({ token: DEVICE }, { url: "/v2/elsewhere" });
  assert.equal(page.status, 404);
  assert.match(page.headers["content-type"] ?? "", /html/);
});

const badMessages: readonly (readonly [string, unknown, string | undefined])[] = [
  ["no message", undefined, "message"],
  ["no target", { data: {} }, "message"],
  ["two targets", { token: DEVICE, topic: "news" }, "message"],
  ["a malformed token", { token: "a b" }, "message.token"],
  ["an unknown field", { token: DEVICE, to: "x" }, "message"],
  ["data that is not text", { token: DEVICE, data: { a: 1 } }, "message.data[a]"],
  ["a reserved key", { token: DEVICE, data: { "google.x": "1" } }, "message.data"],
  ["a reserved key 'from'", { token: DEVICE, data: { from: "1" } }, "message.data"],
  ["a ttl without its unit", { token: DEVICE, android: { ttl: "60" } }, "message.android.ttl"],
  ["a ttl of 5 weeks", { token: DEVICE, android: { ttl: "3024000s" } }, "message.android.ttl"],
  [
    "an unknown priority",
    { token: DEVICE, android: { priority: "max" } },
    "message.android.priority",
  ],
  ["an unknown Android field", { token: DEVICE, android: { tll: "1s" } }, "message.android"],
  [
    "an APNs header that is not text",
    { token: DEVICE, apns: { headers: { "apns-priority": 5 } } },
    "message.apns.headers[apns-priority]",
  ],
];
for (const [what, message, field] of badMessages) {
  Deno.test(`FCM refuses ${what}`, async () => {
    const { status, body } = await send(message);
    assert.equal(status, 400);
    assert.equal(errorCodeOf(body), "INVALID_ARGUMENT");
    const violation = body.error.details
      .find((detail: { fieldViolations?: unknown }) => detail.fieldViolations);
    assert.equal(violation.fieldViolations[0].field, field);
  });
}

Deno.test("FCM refuses a message that is too big without details, 4096 bytes being the limit", async () => {
  const fits = await send({ token: DEVICE, data: { a: "x".repeat(4095) } });
  assert.equal(fits.status, 200);
  const { status, body } = await send({ token: DEVICE, data: { a: "x".repeat(4096) } });
  assert.deepEqual([status, body.error.details], [400, undefined]);
  const topic = await send({ topic: "news", data: { a: "x".repeat(2048) } });
  assert.equal(topic.status, 400);
});

for (
  const [script, status, errorCode] of [
    ["gone", 404, "UNREGISTERED"],
    ["403 SENDER_ID_MISMATCH", 403, "SENDER_ID_MISMATCH"],
    ["401 THIRD_PARTY_AUTH_ERROR", 401, "THIRD_PARTY_AUTH_ERROR"],
    ["401", 401, undefined],
    ["429", 429, "QUOTA_EXCEEDED"],
    ["500", 500, "INTERNAL"],
    ["503", 503, "UNAVAILABLE"],
  ] as const
) {
  Deno.test(`FCM: '${script}' is ${status} with ${errorCode ?? "no errorCode"}`, async () => {
    const answer = await send({ token: faultToken(script, "1") });
    assert.deepEqual([answer.status, errorCodeOf(answer.body)], [status, errorCode]);
  });
}

Deno.test("FCM: a fault limited in time says Retry-After", async () => {
  const { headers } = await send({ token: faultToken("429 for 3 s", "1") });
  assert.equal(headers["retry-after"], "3");
});

Deno.test("FCM: '502' is a page in HTML", async () => {
  const { status, headers } = await send({ token: faultToken("502", "1") });
  assert.equal(status, 502);
  assert.match(headers["content-type"] ?? "", /html/);
});

Deno.test("Google's token endpoint can have faults", async () => {
  const fakes = bareFakes();
  fakes.faults.set({ provider: "google-token", token: "*", script: "503 once" });
  assert.equal((await askToken(fakes)).status, 503);
  assert.equal((await askToken(fakes)).status, 200);
});

/** Sends in the legacy format. */
async function legacy(body: unknown, raw: Partial<Raw> = {}, fakes = bareFakes()) {
  const answer = await fakes.handlers.google(request({
    url: "/fcm/send",
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...raw,
    headers: { authorization: `key=${material.gcm.key}`, ...raw.headers },
  }));
  return { ...read(answer), fakes };
}

Deno.test("GCM answers each token with a result of its own, in order", async () => {
  const { status, body, fakes } = await legacy({
    registration_ids: [DEVICE, faultToken("gone", "1"), "short", faultToken("moved next", "1")],
    data: { a: 1 },
  });
  assert.equal(status, 200);
  assert.deepEqual([body.success, body.failure, body.canonical_ids], [2, 2, 1]);
  assert.deepEqual(
    body.results.map((result: Record<string, string>) => result.error),
    [undefined, "NotRegistered", "InvalidRegistration", undefined],
  );
  assert.equal(body.results[3].registration_id, "next");
  assert.deepEqual(fakes.received.counts().gcm, { accepted: 2, refused: 2 });
});

Deno.test("GCM takes a message whose data are null for one without data", async () => {
  const { status, body } = await legacy({ to: DEVICE, data: null, notification: null });
  assert.deepEqual([status, body.success], [200, 1]);
});

const badLegacy: readonly (readonly [string, unknown, Partial<Raw>, number])[] = [
  ["a wrong key", { to: DEVICE }, { headers: { authorization: "key=x" } }, 401],
  ["a body that is not JSON", "{", {}, 400],
  ["no target", { data: {} }, {}, 400],
  ["two targets", { to: DEVICE, registration_ids: [DEVICE] }, {}, 400],
  ["1,001 tokens", { registration_ids: Array(1001).fill(DEVICE) }, {}, 400],
  ["no tokens", { registration_ids: [] }, {}, 400],
  ["a token that is no text", { registration_ids: [1] }, {}, 400],
];
for (const [what, body, raw, status] of badLegacy) {
  Deno.test(`GCM refuses ${what}`, async () => {
    assert.equal((await legacy(body, raw)).status, status);
  });
}

for (
  const [what, message, error] of [
    ["a body that is too big", { data: { a: "x".repeat(4096) } }, "MessageTooBig"],
    ["a reserved key", { data: { from: "x" } }, "InvalidDataKey"],
    ["a ttl that is too long", { time_to_live: 2_419_201 }, "InvalidTtl"],
    ["a ttl that is text", { time_to_live: "60" }, "InvalidTtl"],
  ] as const
) {
  Deno.test(`GCM answers ${what} with ${error} for every token`, async () => {
    const { status, body } = await legacy({ registration_ids: [DEVICE, DEVICE], ...message });
    assert.equal(status, 200);
    assert.deepEqual(body.results, [{ error }, { error }]);
  });
}

Deno.test("GCM: of several tokens one that fails has its own result, alone it fails the request", async () => {
  const many = await legacy({ registration_ids: [DEVICE, faultToken("503", "1")] });
  assert.equal(many.status, 200);
  assert.equal(many.body.results[1].error, "Unavailable");
  const alone = await legacy({ to: faultToken("503 retry 9 s", "2") });
  assert.deepEqual([alone.status, alone.headers["retry-after"]], [503, "9"]);
  const within = await legacy({ to: faultToken("200 Unavailable", "3") });
  assert.deepEqual([within.status, within.body.results[0].error], [200, "Unavailable"]);
});
