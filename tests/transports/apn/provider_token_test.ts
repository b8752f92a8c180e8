import assert from "node:assert/strict";
import { decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify } from "jose";
import { createProviderToken } from "../../../transports/apn/provider_token.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 0, 1, 12, 0);
const { privateKey, publicKey } = await generateKeyPair("ES256");

/** A token source that was started some minutes past noon. */
function rig(minutes: number) {
  const clock = new FakeClock(START + minutes * MINUTE);
  const token = createProviderToken({
    key: privateKey,
    keyId: "ABC1234567",
    teamId: "TEAM123456",
    keyDigest: "digest",
    clock,
  });
  return { clock, token, value: async () => (await token.get() as { value: string }).value };
}

Deno.test("a provider token has exactly the header and claims that Apple asks for", async () => {
  const { value } = rig(7);
  const jwt = await value();
  assert.deepEqual(decodeProtectedHeader(jwt), { alg: "ES256", kid: "ABC1234567" });
  assert.deepEqual(decodeJwt(jwt), { iss: "TEAM123456", iat: START / 1000 });
});

Deno.test("a provider token is signed with the key", async () => {
  const { value } = rig(0);
  const { payload } = await jwtVerify(await value(), publicKey, { algorithms: ["ES256"] });
  assert.equal(payload.iss, "TEAM123456");
});

Deno.test("a provider token is replaced after 20 to 60 minutes, and never older than an hour", async () => {
  for (let minutes = 0; minutes < 30; minutes++) {
    const { clock, value } = rig(minutes);
    let last = await value();
    let mintedAt = clock.now();
    for (let passed = 0; passed < 180; passed++) {
      await clock.advance(MINUTE);
      // The first call starts the renewal, the second sees it.
      await value();
      await settle();
      const jwt = await value();
      const age = clock.now() - decodeJwt(jwt).iat! * 1000;
      assert.ok(age < 60 * MINUTE, `${age} old`);
      if (jwt === last) continue;
      assert.ok(clock.now() - mintedAt >= 20 * MINUTE, "replaced too soon");
      [last, mintedAt] = [jwt, clock.now()];
    }
  }
});

Deno.test("processes that start at different times agree on when a token was issued", async () => {
  const issued = await Promise.all([31, 40, 59].map(async (minutes) => {
    return decodeJwt(await rig(minutes).value()).iat;
  }));
  assert.equal(new Set(issued).size, 1);
});

Deno.test("a token that is called expired is replaced only if it is 20 minutes old", async () => {
  const { clock, token, value } = rig(0);
  const jwt = await value();
  await clock.advance(20 * MINUTE - 1);
  assert.equal(token.invalidate(jwt), false);
  await clock.advance(1);
  assert.equal(token.invalidate(jwt), true);
});

Deno.test("a token that may not be replaced for now is used up to 59 minutes", async () => {
  const { clock, token, value } = rig(0);
  const jwt = await value();
  await clock.advance(44 * MINUTE);
  token.holdOff(20 * MINUTE);
  assert.equal(token.invalidate(jwt), false);
  await clock.advance(14 * MINUTE);
  assert.equal(await value(), jwt);
  await settle();
  assert.equal(await value(), jwt);
  await clock.advance(MINUTE);
  assert.notEqual(await value(), jwt);
});
