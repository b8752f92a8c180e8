import assert from "node:assert/strict";
import webpush from "npm:web-push@3.6.7";
import { generateKeyPairSync } from "node:crypto";
import { openAes128gcm } from "../../simulator/aes128gcm.ts";
import { createP256Pair } from "../../simulator/material.ts";
import { bareFakes, type Raw, read, request, sign } from "./support.ts";

const vapid = createP256Pair();
const ORIGIN = "https://webpush.test";
const TEXT = "When I grow up, I want to be a watermelon";

type Fakes = ReturnType<typeof bareFakes>;

/** A request as npm `web-push` makes it, on the fake clock's time. */
function build(fakes: Fakes, text: string | undefined, options: webpush.RequestOptions = {}) {
  const subscription = fakes.subscribe({ applicationServerKey: vapid.publicKey });
  const details = webpush.generateRequestDetails(subscription, text, {
    vapidDetails: { subject: "mailto:me@example.com", ...vapid },
    TTL: 60,
    ...options,
  });
  const headers = Object.fromEntries(
    Object.entries(details.headers ?? {})
      .map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  return {
    url: subscription.endpoint,
    headers,
    body: details.body ? new Uint8Array(details.body) : new Uint8Array(),
  };
}

/** Valid claims, some of them overridden; the fake clock is in the past. */
async function authorization(fakes: Fakes, overrides: Record<string, unknown> = {}) {
  const exp = Math.floor(fakes.clock.now() / 1000) + 3600;
  const claims = { aud: ORIGIN, exp, sub: "mailto:me@example.com", ...overrides };
  const token = await sign(claims, { alg: "ES256", typ: "JWT" }, { key: pem(vapid.privateKey) });
  return `vapid t=${token}, k=${vapid.publicKey}`;
}

/** Sends a valid message with some parts overridden. */
async function send(
  change: (built: ReturnType<typeof build>) => Partial<Raw> = () => ({}),
  claims: Record<string, unknown> = {},
) {
  const fakes = bareFakes();
  const built = build(fakes, TEXT);
  const right = { ...built.headers, authorization: await authorization(fakes, claims) };
  const changed = change({ ...built, headers: right });
  const answer = await fakes.handlers.webpush(request({
    ...built,
    ...changed,
    headers: { ...right, ...changed.headers },
  }));
  return { ...read(answer), fakes };
}

Deno.test("Web Push: the fake decrypts what npm web-push encrypts", async () => {
  const { status, headers, fakes } = await send();
  assert.equal(status, 201);
  assert.match(headers.location ?? "", /^https:\/\/webpush\.test\/m\//);
  assert.equal(headers.ttl, "60");
  assert.equal(fakes.received.list()[0]?.payload, TEXT);
});

Deno.test("Web Push: opens the example of RFC 8291", () => {
  const body = Uint8Array.fromBase64(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T" +
      "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulc" +
      "y4a-fN",
    { alphabet: "base64url" },
  );
  const opened = openAes128gcm(body, {
    publicKey:
      "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    privateKey: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  });
  assert.equal(new TextDecoder().decode(opened), TEXT);
});

Deno.test("Web Push: a message without a body is accepted", async () => {
  const { status } = await send(() => ({
    body: new Uint8Array(),
    headers: { "content-encoding": undefined },
  }));
  assert.equal(status, 201);
});

const refusals: readonly (readonly [string, number, string, Partial<Raw>])[] = [
  ["another method", 405, "MethodNotAllowed", { method: "PUT" }],
  ["an unknown subscription", 404, "UnknownSubscription", { url: `${ORIGIN}/push/x` }],
  ["no authorization", 401, "MissingAuthorization", { headers: { authorization: undefined } }],
  ["another kind of authorization", 401, "MissingAuthorization", {
    headers: { authorization: "Bearer x" },
  }],
  ["a key that is none", 403, "BadVapidPublicKey", { headers: { authorization: "vapid t=a,k=b" } }],
  ["no TTL", 400, "BadTtl", { headers: { ttl: undefined } }],
  ["a negative TTL", 400, "BadTtl", { headers: { ttl: "-1" } }],
  ["an unknown urgency", 400, "BadUrgency", { headers: { urgency: "utmost" } }],
  ["a topic of 33 characters", 400, "BadWebPushTopic", { headers: { topic: "a".repeat(33) } }],
  ["a topic with a dot", 400, "BadWebPushTopic", { headers: { topic: "a.bc" } }],
  ["a topic of 5 characters", 400, "BadWebPushTopic", { headers: { topic: "abcde" } }],
  ["another encoding", 400, "BadEncoding", { headers: { "content-encoding": "aesgcm" } }],
  ["more than 4096 bytes", 413, "PayloadTooLarge", { body: new Uint8Array(4097) }],
  ["what cannot be opened", 400, "CannotDecrypt", { body: new Uint8Array(200) }],
];
for (const [what, status, reason, raw] of refusals) {
  Deno.test(`Web Push: refuses ${what}`, async () => {
    const answer = await send(() => raw);
    assert.deepEqual([answer.status, answer.body.reason], [status, reason]);
  });
}

const badClaims: readonly (readonly [string, Record<string, unknown>])[] = [
  ["another audience", { aud: "https://example.com" }],
  ["an end in the past", { exp: 1 }],
  ["an end in more than a day", { exp: Math.floor(Date.UTC(2026, 0, 2) / 1000) + 60 }],
  ["no end", { exp: undefined }],
  ["no contact", { sub: undefined }],
  ["a contact with a blank", { sub: "mailto: me@example.com" }],
  ["a contact in angle brackets", { sub: "mailto:<me@example.com>" }],
  ["a local contact", { sub: "mailto:me@localhost" }],
  ["a contact that is neither address", { sub: "me@example.com" }],
];
for (const [what, claims] of badClaims) {
  Deno.test(`Web Push: refuses a token with ${what}`, async () => {
    const { status, body } = await send(() => ({}), claims);
    assert.deepEqual([status, body.reason], [403, "BadJwtToken"]);
  });
}

Deno.test("Web Push: refuses a sender whose key is not the subscription's", async () => {
  const other = createP256Pair();
  const { status, body } = await send(({ headers }) => ({
    headers: { authorization: headers.authorization!.replace(vapid.publicKey, other.publicKey) },
  }));
  assert.deepEqual([status, body.reason], [403, "VapidPkHashMismatch"]);
});

Deno.test("Web Push: refuses a signature of another key", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = privateKey.export({ format: "pem", type: "pkcs8" }) as string;
  const claims = {
    aud: ORIGIN,
    exp: Math.floor(Date.UTC(2026, 0, 1) / 1000) + 60,
    sub: "mailto:me@example.com",
  };
  const token = await sign(claims, { alg: "ES256" }, { key });
  const headers = { authorization: `vapid t=${token}, k=${vapid.publicKey}` };
  const { status, body } = await send(() => ({ headers }));
  assert.deepEqual([status, body.reason], [403, "BadJwtToken"]);
});

Deno.test("Web Push: refuses the sender's identity as its one-time key", async () => {
  const { status, body } = await send(({ body }) => {
    const reused = new Uint8Array(body);
    reused.set(Uint8Array.fromBase64(vapid.publicKey, { alphabet: "base64url" }), 21);
    return { body: reused };
  });
  assert.deepEqual([status, body.reason], [400, "ReusedKey"]);
});

Deno.test("Web Push: a subscription may have a fault", async () => {
  const fakes = bareFakes();
  const built = build(fakes, TEXT);
  for (const [fault, status] of [["gone", 410], ["429 retry 5 s", 429], ["404", 404]] as const) {
    const subscription = fakes.subscribe({ fault });
    const details = webpush.generateRequestDetails(subscription, TEXT, {
      vapidDetails: { subject: "mailto:me@example.com", ...vapid },
    });
    const answer = read(
      await fakes.handlers.webpush(request({
        url: subscription.endpoint,
        headers: { ...built.headers, authorization: await authorization(fakes) },
        body: new Uint8Array(details.body!),
      })),
    );
    assert.equal(answer.status, status);
    if (status === 429) assert.equal(answer.headers["retry-after"], "5");
  }
});

/** PEM of a P-256 key from its number. */
function pem(privateKey: string): string {
  const number = Uint8Array.fromBase64(privateKey, { alphabet: "base64url" });
  const point = Uint8Array.fromBase64(vapid.publicKey, { alphabet: "base64url" });
  const der = new Uint8Array([
    ...Uint8Array.fromHex(
      "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
    ),
    ...number,
    ...Uint8Array.fromHex("a144034200"),
    ...point,
  ]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toBase64()}\n-----END PRIVATE KEY-----`;
}
