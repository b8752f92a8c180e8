import assert from "node:assert/strict";
import { importJWK, jwtVerify } from "jose";
import webPush from "npm:web-push@3.6.7";
import {
  importVapidKey,
  makeVapidKeys,
  type VapidKey,
  VapidSigner,
} from "../../../transports/webpush/vapid.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { base64url, bytesOf } from "./_browser.ts";

const ORIGIN = "https://updates.push.services.mozilla.com";
const SUBJECT = "mailto:ops@example.com";
const HOUR_MS = 3_600_000;

Deno.test("the token verifies with the public key that the header names", async () => {
  const { signer, clock, pair } = await setUp();
  const header = await signer.authorization(ORIGIN);
  const [, jwt, key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(header)!;
  assert.equal(key, pair.publicKey);
  const { payload, protectedHeader } = await jwtVerify(jwt!, await publicKey(key!), {
    currentDate: new Date(clock.now()),
  });
  assert.deepEqual(protectedHeader, { typ: "JWT", alg: "ES256" });
  assert.deepEqual(payload, {
    aud: ORIGIN,
    sub: SUBJECT,
    exp: clock.now() / 1000 + 12 * 3600,
  });
});

Deno.test("npm web-push puts the same claims and key into its header", async () => {
  const { signer, clock, pair } = await setUp();
  const expiration = clock.now() / 1000 + 12 * 3600;
  const theirs = webPush.getVapidHeaders(
    ORIGIN,
    SUBJECT,
    pair.publicKey,
    pair.privateKey,
    "aes128gcm",
    expiration,
  ).Authorization;
  const ours = await signer.authorization(ORIGIN);
  const claims = (header: string) => JSON.parse(atob(header.split(".")[1]!));
  assert.deepEqual(claims(ours), claims(theirs));
  assert.equal(ours.split("k=")[1], theirs.split("k=")[1]);
});

Deno.test("one token serves an origin until half of its life is over", async () => {
  const { signer, clock } = await setUp();
  const first = await signer.authorization(ORIGIN);
  await clock.advance(6 * HOUR_MS - 1);
  assert.equal(await signer.authorization(ORIGIN), first);
  await clock.advance(1);
  // The old token is valid while the new one is made.
  assert.equal(await signer.authorization(ORIGIN), first);
  let second = first;
  // Signing ends on another thread, at a time of its own.
  while (second === first) {
    await settle();
    second = await signer.authorization(ORIGIN);
  }
});

Deno.test("each origin gets a token of its own", async () => {
  const { signer } = await setUp();
  const one = await signer.authorization("https://fcm.googleapis.com");
  assert.notEqual(await signer.authorization("https://web.push.apple.com"), one);
});

Deno.test("a refused token is replaced only if it is older than an hour", async () => {
  const { signer, clock } = await setUp();
  const first = await signer.authorization(ORIGIN);
  assert.equal(signer.invalidate(ORIGIN, first), false);
  await clock.advance(HOUR_MS);
  assert.equal(signer.invalidate(ORIGIN, first), true);
  assert.notEqual(await signer.authorization(ORIGIN), first);
});

Deno.test("no more than a thousand origins are cached", async () => {
  const { signer, clock } = await setUp();
  const first = await signer.authorization(ORIGIN);
  // Signatures may be deterministic; a later expiry makes another token.
  await clock.advance(1000);
  for (let index = 0; index < 1000; index++) {
    await signer.authorization(`https://host${index}.example.com`);
  }
  assert.notEqual(await signer.authorization(ORIGIN), first);
});

Deno.test("halves of different key pairs are refused", async () => {
  const [one, other] = [webPush.generateVAPIDKeys(), webPush.generateVAPIDKeys()];
  assert.equal(await importVapidKey(one.publicKey, other.privateKey), undefined);
});

Deno.test("a created key pair is valid, and npm web-push accepts it", async () => {
  const { publickey, privatekey } = await makeVapidKeys();
  assert.ok(await importVapidKey(publickey, privatekey));
  webPush.setVapidDetails(SUBJECT, publickey, privatekey);
});

Deno.test("keys of the wrong length are refused", async () => {
  const { publicKey, privateKey } = webPush.generateVAPIDKeys();
  assert.equal(await importVapidKey(publicKey.slice(0, 40), privateKey), undefined);
  assert.equal(await importVapidKey(publicKey, privateKey.slice(0, 40)), undefined);
  assert.equal(await importVapidKey("*", "*"), undefined);
});

async function setUp() {
  const pair = webPush.generateVAPIDKeys();
  const key = await importVapidKey(pair.publicKey, pair.privateKey) as VapidKey;
  const clock = new FakeClock();
  return { signer: new VapidSigner({ key, subject: SUBJECT, clock }), clock, pair };
}

function publicKey(text: string) {
  const point = bytesOf(text);
  const [x, y] = [base64url(point.subarray(1, 33)), base64url(point.subarray(33))];
  return importJWK({ kty: "EC", crv: "P-256", x, y }, "ES256");
}
