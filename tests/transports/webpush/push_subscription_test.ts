import assert from "node:assert/strict";
import fc from "fast-check";
import { ServiceError } from "../../../core/errors.ts";
import {
  formatPushSubscription,
  parsePushSubscription,
} from "../../../transports/webpush/push_subscription.ts";
import { base64url, makeBrowser } from "./_browser.ts";

const ENDPOINT = "https://updates.push.services.mozilla.com/wpush/v2/gAAAA";

Deno.test("the object of a browser and its text give the same token", async () => {
  const object = { ...(await makeBrowser()).subscription(ENDPOINT), expirationTime: null };
  assert.equal(canonical(object), canonical(JSON.stringify(object)));
});

Deno.test("a token is its own canonical form", async () => {
  const token = canonical((await makeBrowser()).subscription(ENDPOINT));
  assert.equal(canonical(token), token);
});

Deno.test("padded and plain base64 give the same token as base64url", async () => {
  const browser = await makeBrowser();
  const plain = {
    endpoint: ENDPOINT,
    keys: { p256dh: browser.p256dh.toBase64(), auth: browser.auth.toBase64() },
  };
  assert.equal(canonical(plain), canonical(browser.subscription(ENDPOINT)));
});

Deno.test("the key that a client says it subscribed with is kept", async () => {
  const browser = await makeBrowser();
  const applicationServerKey = base64url((await makeBrowser()).p256dh);
  const token = canonical({ ...browser.subscription(ENDPOINT), applicationServerKey });
  assert.equal(parsePushSubscription(token).applicationServerKey, applicationServerKey);
});

Deno.test("a point off the curve is refused", async () => {
  const browser = await makeBrowser();
  const point = browser.p256dh.slice();
  point[64]! ^= 1;
  refuses({
    endpoint: ENDPOINT,
    keys: { p256dh: base64url(point), auth: base64url(browser.auth) },
  }, /p256dh/);
});

Deno.test("a compressed point is refused", async () => {
  const browser = await makeBrowser();
  const compressed = Uint8Array.of(2 + (browser.p256dh[64]! & 1), ...browser.p256dh.slice(1, 33));
  const { keys } = browser.subscription(ENDPOINT);
  refuses({ endpoint: ENDPOINT, keys: { ...keys, p256dh: base64url(compressed) } }, /p256dh/);
});

Deno.test("a coordinate beyond the field is refused, though its remainder is on the curve", () => {
  // x = 5 has a point; 5 + p is the same one written outside the field.
  const x = (5n + 0xffffffff00000001000000000000000000000000ffffffffffffffffffffffffn).toString(16);
  const y = "459243b9aa581806fe913bce99817ade11ca503c64d9a3c533415c083248fbcc";
  const auth = base64url(new Uint8Array(16));
  const point = (x: string) => base64url(Uint8Array.fromHex(`04${x.padStart(64, "0")}${y}`));
  canonical({ endpoint: ENDPOINT, keys: { p256dh: point("5"), auth } });
  refuses({ endpoint: ENDPOINT, keys: { p256dh: point(x), auth } }, /p256dh/);
});

Deno.test("a secret that is not 16 bytes is refused", async () => {
  const { keys } = (await makeBrowser()).subscription(ENDPOINT);
  refuses({ endpoint: ENDPOINT, keys: { ...keys, auth: "AAAA" } }, /auth/);
});

Deno.test("an endpoint of plain http is refused", async () => {
  refuses((await makeBrowser()).subscription("http://push.example.com/x"), /https/);
});

Deno.test("an endpoint of more than 1000 bytes is refused, however they are written", async () => {
  const browser = await makeBrowser();
  refuses(browser.subscription(ENDPOINT + "x".repeat(1000)), /1000 bytes/);
  refuses(browser.subscription(ENDPOINT + "ä".repeat(300)), /1000 bytes/);
});

Deno.test("whatever is handed in, the answer is a token or invalid_token", () => {
  fc.assert(fc.property(fc.oneof(fc.json(), fc.string(), fc.anything()), (raw) => {
    try {
      canonical(raw);
    } catch (error) {
      assert.ok(error instanceof ServiceError && error.code === "invalid_token");
    }
  }));
});

Deno.test("an error never repeats the endpoint", async () => {
  const { keys } = (await makeBrowser()).subscription(ENDPOINT);
  try {
    parsePushSubscription({ endpoint: "http://secret.example.com/capability", keys });
    assert.fail("it was taken");
  } catch (error) {
    assert.doesNotMatch(String(error), /secret|capability/);
  }
});

function canonical(raw: unknown): string {
  return formatPushSubscription(parsePushSubscription(raw));
}

function refuses(raw: unknown, message: RegExp): void {
  assert.throws(() => parsePushSubscription(raw), { code: "invalid_token", message });
}
