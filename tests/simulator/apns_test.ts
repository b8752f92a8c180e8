import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { hexFaultToken } from "../../simulator/fault_script.ts";
import { createAppleIdentity } from "../../simulator/certificates.ts";
import { createP256Pair } from "../../simulator/material.ts";
import { generateKeyPairSync } from "node:crypto";
import { bareFakes, connection, material, type Raw, read, request, sign } from "./support.ts";

const { bundleId, keyId, teamId, privateKey } = material.apns;
const DEVICE = "ab".repeat(32);
const ALERT = JSON.stringify({ aps: { alert: { title: "Hello" } } });

/** A provider token; `age` seconds old. */
function token(now: number, overrides: {
  readonly age?: number;
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: string;
} = {}) {
  const iat = Math.floor(now / 1000) - (overrides.age ?? 0);
  return sign({ iss: teamId, iat, ...overrides.claims }, {
    alg: "ES256",
    kid: keyId,
    ...overrides.header,
  }, { key: overrides.key ?? privateKey });
}

/** Sends a valid alert with some parts overridden. */
async function push(overrides: Partial<Raw> = {}, fakes = bareFakes()) {
  const authorization = `bearer ${await token(fakes.clock.now())}`;
  const answer = await fakes.handlers.apns(request({
    url: `/3/device/${DEVICE}`,
    body: ALERT,
    ...overrides,
    headers: {
      authorization,
      "apns-topic": bundleId,
      "apns-push-type": "alert",
      ...overrides.headers,
    },
  }));
  return { ...read(answer), fakes };
}

Deno.test("APNs: a valid request is accepted, and its id is returned", async () => {
  const id = "eabeae54-14a8-11e5-b60b-1697f925ec7b";
  const { status, headers, fakes } = await push({ headers: { "apns-id": id } });
  assert.equal(status, 200);
  assert.equal(headers["apns-id"], id);
  const [arrival] = fakes.received.list();
  assert.equal(arrival?.token, DEVICE);
  assert.deepEqual(arrival?.payload, JSON.parse(ALERT));
  assert.equal(JSON.stringify(arrival).includes("bearer"), false);
});

Deno.test("APNs: creates an id where none was sent", async () => {
  const { headers } = await push();
  assert.match(headers["apns-id"] ?? "", /^[0-9a-f-]{36}$/);
});

const big = JSON.stringify({ aps: { alert: "x".repeat(4096) } });
const refusals: readonly (readonly [string, number, string, Partial<Raw>])[] = [
  ["another method", 405, "MethodNotAllowed", { method: "GET" }],
  ["another path", 404, "BadPath", { url: "/4/device/abc" }],
  ["no device token", 400, "MissingDeviceToken", { url: "/3/device/" }],
  ["a device token that is not hexadecimal", 400, "BadDeviceToken", { url: "/3/device/xyz" }],
  ["a device token of half a byte", 400, "BadDeviceToken", { url: "/3/device/abc" }],
  ["no provider token", 403, "MissingProviderToken", { headers: { authorization: undefined } }],
  ["a provider token that is none", 403, "InvalidProviderToken", {
    headers: { authorization: "bearer a.b.c" },
  }],
  ["no topic", 400, "MissingTopic", { headers: { "apns-topic": undefined } }],
  ["a malformed topic", 400, "BadTopic", { headers: { "apns-topic": "com example" } }],
  ["somebody else's topic", 400, "TopicDisallowed", { headers: { "apns-topic": "com.other" } }],
  ["a topic whose suffix does not fit the type", 400, "TopicDisallowed", {
    headers: { "apns-topic": `${bundleId}.voip` },
  }],
  ["a type without its suffix", 400, "TopicDisallowed", { headers: { "apns-push-type": "voip" } }],
  ["an unknown push type", 400, "InvalidPushType", { headers: { "apns-push-type": "shout" } }],
  ["an unknown priority", 400, "BadPriority", { headers: { "apns-priority": "7" } }],
  ["a background push with priority 10", 400, "BadPriority", {
    headers: { "apns-push-type": "background", "apns-priority": "10" },
  }],
  ["a background push without a priority", 400, "BadPriority", {
    headers: { "apns-push-type": "background" },
  }],
  ["a background push that shows something", 400, "InvalidPushType", {
    headers: { "apns-push-type": "background", "apns-priority": "5" },
    body: `{"aps":{"content-available":1,"alert":"x"}}`,
  }],
  ["an alert that shows nothing", 400, "InvalidPushType", {
    body: `{"aps":{"content-available":1}}`,
  }],
  ["a live activity with priority 1", 400, "BadPriority", {
    headers: {
      "apns-push-type": "liveactivity",
      "apns-priority": "1",
      "apns-topic": `${bundleId}.push-type.liveactivity`,
    },
  }],
  ["an id in capitals", 400, "BadMessageId", {
    headers: { "apns-id": "EABEAE54-14A8-11E5-B60B-1697F925EC7B" },
  }],
  ["an expiration that is no number", 400, "BadExpirationDate", {
    headers: { "apns-expiration": "soon" },
  }],
  ["a collapse id of 65 bytes", 400, "BadCollapseId", {
    headers: { "apns-collapse-id": "x".repeat(65) },
  }],
  ["a collapse id of 33 letters and 66 bytes", 400, "BadCollapseId", {
    headers: { "apns-collapse-id": "é".repeat(33) },
  }],
  ["a header given twice", 400, "DuplicateHeaders", { repeated: ["apns-priority"] }],
  ["an empty body", 400, "PayloadEmpty", { body: "" }],
  ["a body that is not JSON", 400, "PayloadEmpty", { body: "{" }],
  ["a body without aps", 400, "PayloadEmpty", { body: `{"alert":"x"}` }],
  ["a body of more than 4096 bytes", 413, "PayloadTooLarge", { body: big }],
];

for (const [what, status, reason, raw] of refusals) {
  Deno.test(`APNs: refuses ${what}`, async () => {
    const answer = await push(raw);
    assert.deepEqual([answer.status, answer.body.reason], [status, reason]);
  });
}

Deno.test("APNs: a VoIP push may have 5120 bytes", async () => {
  const headers = { "apns-push-type": "voip", "apns-topic": `${bundleId}.voip` };
  assert.equal((await push({ headers, body: big })).status, 200);
  const tooBig = JSON.stringify({ aps: { alert: "x".repeat(5120) } });
  assert.equal((await push({ headers, body: tooBig })).status, 413);
});

Deno.test("APNs: a background push with priority 5 is accepted", async () => {
  const headers = { "apns-push-type": "background", "apns-priority": "5" };
  const { status } = await push({ headers, body: `{"aps":{"content-available":1}}` });
  assert.equal(status, 200);
});

async function pushToken(made: Promise<string>, fakes: ReturnType<typeof bareFakes>) {
  const { status, body } = await push({
    headers: { authorization: `bearer ${await made}` },
  }, fakes);
  return [status, body.reason];
}

const otherKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey
  .export({ format: "pem", type: "pkcs8" }) as string;
const badTokens: readonly (readonly [string, string, Parameters<typeof token>[1]])[] = [
  ["older than an hour", "ExpiredProviderToken", { age: 3601 }],
  ["from the future", "InvalidProviderToken", { age: -120 }],
  ["signed with another key", "InvalidProviderToken", { key: otherKey }],
  ["of an unknown key id", "InvalidProviderToken", { header: { kid: "XXXXXXXXXX" } }],
  ["of another team", "InvalidProviderToken", { claims: { iss: "XXXXXXXXXX" } }],
  ["with an exp claim", "InvalidProviderToken", { claims: { exp: 9_999_999_999 } }],
  ["without iat", "InvalidProviderToken", { claims: { iat: undefined } }],
];

for (const [what, reason, overrides] of badTokens) {
  Deno.test(`APNs: refuses a provider token ${what}`, async () => {
    const fakes = bareFakes();
    assert.deepEqual(await pushToken(token(fakes.clock.now(), overrides), fakes), [403, reason]);
  });
}

Deno.test("APNs: a provider token of 59 minutes is still valid", async () => {
  const fakes = bareFakes();
  const result = await pushToken(token(fakes.clock.now(), { age: 59 * 60 }), fakes);
  assert.deepEqual(result, [200, undefined]);
});

Deno.test("APNs: refuses a key of the other environment", async () => {
  const key = { keyId: "SANDBOXKEY", teamId, key: otherKey, environment: "development" as const };
  const fakes = bareFakes({ keys: [key] });
  const made = token(fakes.clock.now(), { key: otherKey, header: { kid: key.keyId } });
  assert.deepEqual(await pushToken(made, fakes), [403, "BadEnvironmentKeyInToken"]);
});

Deno.test("APNs: tokens must not change within 20 minutes on one connection", async () => {
  const fakes = bareFakes();
  const now = fakes.clock.now();
  const [same, other] = [connection(), connection()];
  async function send(age: number, over: typeof same) {
    const headers = { authorization: `bearer ${await token(now, { age })}` };
    const { status, body } = await push({ headers, connection: over }, fakes);
    return [status, body.reason];
  }
  assert.deepEqual(await send(1800, same), [200, undefined]);
  assert.deepEqual(await send(1200, same), [429, "TooManyProviderTokenUpdates"]);
  assert.deepEqual(await send(1200, other), [200, undefined]);
  assert.deepEqual(await send(1800, same), [200, undefined]);
  assert.deepEqual(await send(600, same), [200, undefined]);
});

Deno.test("APNs: a connection belongs to the first key used on it", async () => {
  const fakes = bareFakes({ keys: [{ keyId: "SECONDKEY1", teamId, key: otherKey }] });
  const over = connection();
  await push({ connection: over }, fakes);
  const second = await token(fakes.clock.now(), { key: otherKey, header: { kid: "SECONDKEY1" } });
  const headers = { authorization: `bearer ${second}` };
  const { status, body } = await push({ headers, connection: over }, fakes);
  assert.deepEqual([status, body.reason], [403, "UnrelatedKeyIdInToken"]);
});

Deno.test("APNs: streams are granted once the sender is authenticated", async () => {
  const over = connection();
  await push({ connection: over, headers: { authorization: "bearer a.b.c" } });
  assert.deepEqual(over.limits, []);
  const fakes = bareFakes();
  await push({ connection: over }, fakes);
  await push({ connection: over }, fakes);
  assert.deepEqual(over.limits, [1000]);
});

const certificate = new X509Certificate(material.apns.client.certificate).raw;

Deno.test("APNs: a client certificate stands in for token and topic", async () => {
  const over = connection(certificate);
  const headers = { authorization: undefined, "apns-topic": undefined };
  assert.equal((await push({ connection: over, headers })).status, 200);
});

Deno.test("APNs: a certificate is for its own bundle id only", async () => {
  const now = Date.now();
  const identity = await createAppleIdentity(material.authority, {
    from: now,
    until: now + 86_400_000,
    bundleId: "com.other",
  });
  const over = connection(new X509Certificate(identity.certificate).raw);
  const { status, body } = await push({ connection: over });
  assert.deepEqual([status, body.reason], [400, "TopicDisallowed"]);
});

Deno.test("APNs: refuses a certificate that it did not sign", async () => {
  const { status, body } = await push({ connection: connection(certificate, false) });
  assert.deepEqual([status, body.reason], [403, "BadCertificate"]);
});

Deno.test("APNs: location pushes need a token", async () => {
  const over = connection(certificate);
  const headers = {
    "apns-push-type": "location",
    "apns-topic": `${bundleId}.location-query`,
  };
  assert.equal((await push({ connection: over, headers })).body.reason, "Forbidden");
  assert.equal((await push({ headers })).status, 200);
});

Deno.test("APNs: 'gone' is a 410 with the time of the removal", async () => {
  const fakes = bareFakes();
  const url = `/3/device/${hexFaultToken("gone", "1")}`;
  const { status, body } = await push({ url }, fakes);
  assert.deepEqual([status, body], [410, {
    reason: "Unregistered",
    timestamp: fakes.clock.now(),
  }]);
});

for (
  const [script, status, reason] of [
    ["429", 429, "TooManyRequests"],
    ["500", 500, "InternalServerError"],
    ["503", 503, "ServiceUnavailable"],
    ["503 Shutdown", 503, "Shutdown"],
    ["400 DeviceTokenNotForTopic", 400, "DeviceTokenNotForTopic"],
    ["410 ExpiredToken", 410, "ExpiredToken"],
  ] as const
) {
  Deno.test(`APNs: '${script}' is ${status} ${reason}`, async () => {
    const answer = await push({ url: `/3/device/${hexFaultToken(script, "1")}` });
    assert.deepEqual([answer.status, answer.body.reason], [status, reason]);
  });
}

Deno.test("APNs: 'hang', 'reset' and 'goaway' are not answers", async () => {
  for (const kind of ["hang", "reset", "goaway"] as const) {
    const answer = await push({ url: `/3/device/${hexFaultToken(kind, "1")}` });
    assert.equal(answer.kind, kind);
  }
});

Deno.test("key pairs for Web Push are 65 and 32 bytes", () => {
  const { publicKey, privateKey } = createP256Pair();
  const base64url = { alphabet: "base64url" } as const;
  assert.equal(Uint8Array.fromBase64(publicKey, base64url).length, 65);
  assert.equal(Uint8Array.fromBase64(privateKey, base64url).length, 32);
});
