import assert from "node:assert/strict";
import { apnOptionsSchema } from "../../../transports/apn/settings.ts";

const KEYSTORE = { keystore: "/etc/app.p12", password: "secret" };
const KEY = { privatekey: "/etc/key.p8", keyid: "ABC1234567", teamid: "TEAM123456", topic: "a.b" };

function faultsOf(entry: unknown): string[] {
  const result = apnOptionsSchema.safeParse(entry);
  assert.ok(!result.success);
  return result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}

Deno.test("the seed's example is read as it stands", () => {
  assert.deepEqual(
    apnOptionsSchema.parse({ ...KEYSTORE, enabled: true, production: true, topic: "myBundleId" }),
    {
      enabled: true,
      production: true,
      topic: "myBundleId",
      auth: { type: "certificate", ...KEYSTORE },
    },
  );
});

Deno.test("a client is enabled and in production unless it says otherwise", () => {
  const { enabled, production } = apnOptionsSchema.parse(KEYSTORE);
  assert.deepEqual([enabled, production], [true, true]);
});

Deno.test("booleans may be written as strings", () => {
  const { enabled, production } = apnOptionsSchema.parse({
    ...KEYSTORE,
    enabled: " True ",
    production: "false",
  });
  assert.deepEqual([enabled, production], [true, false]);
});

Deno.test("a token key is taken for authtype jwt", () => {
  const { auth } = apnOptionsSchema.parse(KEY);
  assert.deepEqual(auth, {
    type: "jwt",
    privatekey: "/etc/key.p8",
    keyid: "ABC1234567",
    teamid: "TEAM123456",
  });
});

Deno.test("authtype decides, in any case of letters, where both kinds are given", () => {
  assert.equal(apnOptionsSchema.parse({ ...KEYSTORE, ...KEY }).auth?.type, "certificate");
  const both = { ...KEYSTORE, ...KEY, authtype: "JWT" };
  assert.equal(apnOptionsSchema.parse(both).auth?.type, "jwt");
});

Deno.test("every missing key is named", () => {
  assert.deepEqual(faultsOf({ authtype: "jwt" }), [
    "privatekey: is needed for authtype 'jwt'",
    "keyid: is needed for authtype 'jwt'",
    "teamid: is needed for authtype 'jwt'",
    "topic: is needed for authtype 'jwt'",
  ]);
  assert.deepEqual(faultsOf({ keystore: "x" }), ["password: is needed for authtype 'certificate'"]);
});

Deno.test("a disabled entry need not be complete", () => {
  assert.equal(apnOptionsSchema.parse({ enabled: false }).enabled, false);
});

Deno.test("an empty password is a password", () => {
  assert.ok(apnOptionsSchema.safeParse({ keystore: "x", password: "" }).success);
});

Deno.test("an address is an https origin", () => {
  const { address } = apnOptionsSchema.parse({ ...KEYSTORE, address: "https://localhost:2197/" });
  assert.equal(address, "https://localhost:2197");
  for (const bad of ["http://localhost", "https://a/b", "https://u:p@a", "localhost:2197"]) {
    assert.match(faultsOf({ ...KEYSTORE, address: bad })[0]!, /^address: expected/);
  }
});

Deno.test("unknown keys and values of the wrong kind are faults", () => {
  assert.match(faultsOf({ ...KEYSTORE, keystroe: "x" })[0]!, /keystroe/);
  assert.match(faultsOf({ ...KEYSTORE, password: 123 })[0]!, /^password/);
  assert.match(faultsOf({ ...KEY, keyid: "short" })[0]!, /^keyid: expected 10/);
  assert.match(faultsOf({ ...KEY, topic: "a b" })[0]!, /^topic: expected a bundle id/);
  assert.match(faultsOf({ ...KEYSTORE, authtype: "magic" })[0]!, /^authtype/);
  assert.match(faultsOf("text")[0]!, /expected object/);
});
