import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createECDH } from "node:crypto";
import fc from "fast-check";
import ece from "npm:http_ece@1.2.0";
import webPush from "npm:web-push@3.6.7";
import {
  encrypt,
  MAX_PLAINTEXT_BYTES,
  WEBPUSH_MAX_BYTES,
} from "../../../transports/webpush/encrypt.ts";
import { makeEphemeralKey } from "../../../transports/webpush/_ephemeral_key.ts";
import { base64url, browserOf, bytesOf, makeBrowser } from "./_browser.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };
const encoder = new TextEncoder();

/** RFC 8291 §5 and appendix A. */
const RFC = {
  plaintext: "When I grow up, I want to be a watermelon",
  senderPrivate: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
  senderPublic:
    "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
  receiverPrivate: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
  receiverPublic:
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
  salt: "DGv6ra1nlYgDCS1FRnbzlw",
  body:
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
};

Deno.test("encrypt() gives the message of RFC 8291 to the letter", async () => {
  const body = await encrypt(
    encoder.encode(RFC.plaintext),
    { p256dh: bytesOf(RFC.receiverPublic), auth: bytesOf(RFC.auth) },
    {
      salt: bytesOf(RFC.salt),
      sender: {
        publicKey: bytesOf(RFC.senderPublic),
        privateKey: await privateKey(RFC.senderPublic, RFC.senderPrivate),
      },
    },
  );
  assert.equal(base64url(body), RFC.body);
});

Deno.test("the browser of these tests reads the message of RFC 8291", async () => {
  const browser = browserOf({
    p256dh: bytesOf(RFC.receiverPublic),
    auth: bytesOf(RFC.auth),
    privateKey: await privateKey(RFC.receiverPublic, RFC.receiverPrivate),
  });
  const plaintext = await browser.decrypt(bytesOf(RFC.body));
  assert.equal(new TextDecoder().decode(plaintext), RFC.plaintext);
});

Deno.test("http_ece decrypts what encrypt() makes", async () => {
  const receiver = createECDH("prime256v1");
  const p256dh = new Uint8Array(receiver.generateKeys());
  const auth = crypto.getRandomValues(new Uint8Array(16));
  const body = await encrypt(encoder.encode("Let's meet"), { p256dh, auth });
  const plaintext: Uint8Array = ece.decrypt(Buffer.from(body), {
    version: "aes128gcm",
    privateKey: receiver,
    authSecret: base64url(auth),
  });
  assert.equal(new TextDecoder().decode(plaintext), "Let's meet");
});

Deno.test("the browser of these tests reads what npm web-push makes", async () => {
  const browser = await makeBrowser();
  const { keys } = browser.subscription("https://fcm.googleapis.com/fcm/send/x");
  const { cipherText } = webPush.encrypt(keys.p256dh, keys.auth, "Let's meet", "aes128gcm");
  const plaintext = await browser.decrypt(new Uint8Array(cipherText));
  assert.equal(new TextDecoder().decode(plaintext), "Let's meet");
});

Deno.test("a plaintext of any allowed length comes through, at 103 bytes more", async () => {
  const browser = await makeBrowser();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: MAX_PLAINTEXT_BYTES }), async (plaintext) => {
      const body = await encrypt(plaintext, browser);
      assert.equal(body.length, plaintext.length + 103);
      assert.deepEqual(await browser.decrypt(body), new Uint8Array(plaintext));
    }),
    { numRuns: 50 },
  );
});

Deno.test("the largest plaintext fills the largest body exactly", async () => {
  assert.equal(MAX_PLAINTEXT_BYTES, 3993);
  const body = await encrypt(new Uint8Array(MAX_PLAINTEXT_BYTES), await makeBrowser());
  assert.equal(body.length, WEBPUSH_MAX_BYTES);
});

Deno.test("a plaintext that does not fit one record throws", async () => {
  const tooLong = new Uint8Array(MAX_PLAINTEXT_BYTES + 1);
  await assert.rejects(encrypt(tooLong, await makeBrowser()), RangeError);
});

Deno.test("no other browser can decrypt a message", async () => {
  const [one, other] = await Promise.all([makeBrowser(), makeBrowser()]);
  const body = await encrypt(encoder.encode("Let's meet"), one);
  await assert.rejects(other.decrypt(body));
});

Deno.test("salt and key pair are new for each message", async () => {
  const browser = await makeBrowser();
  const [one, other] = await Promise.all([1, 2].map(() => encrypt(encoder.encode("x"), browser)));
  assert.notDeepEqual(one!.slice(0, 16), other!.slice(0, 16));
  assert.notDeepEqual(one!.slice(21, 86), other!.slice(21, 86));
});

Deno.test("the halves of an ephemeral key belong together", async () => {
  const { publicKey, privateKey } = await makeEphemeralKey();
  const peer = await crypto.subtle.generateKey(P256, false, ["deriveBits"]);
  const point = await crypto.subtle.importKey("raw", publicKey, P256, false, []);
  const [mine, theirs] = await Promise.all([
    crypto.subtle.deriveBits({ name: "ECDH", public: peer.publicKey }, privateKey, 256),
    crypto.subtle.deriveBits({ name: "ECDH", public: point }, peer.privateKey, 256),
  ]);
  assert.deepEqual(mine, theirs);
});

function privateKey(publicHalf: string, privateHalf: string): Promise<CryptoKey> {
  const point = bytesOf(publicHalf);
  const jwk = {
    kty: "EC",
    crv: "P-256",
    d: privateHalf,
    x: base64url(point.subarray(1, 33)),
    y: base64url(point.subarray(33)),
  };
  return crypto.subtle.importKey("jwk", jwk, P256, false, ["deriveBits"]);
}
