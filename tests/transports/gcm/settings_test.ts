import assert from "node:assert/strict";
import { gcmOptionsSchema } from "../../../transports/gcm/mod.ts";

function faults(entry: unknown): string {
  const result = gcmOptionsSchema.safeParse(entry);
  return result.success
    ? ""
    : result.error.issues.map((it) => `${it.path.join(".")}: ${it.message}`).join("\n");
}

Deno.test("gcmOptionsSchema takes the seed's example", () => {
  const entry = { enabled: false, key: "AIzaSy2535345TbVL2r4yaZ4ZVQvJdcE1vth24546" };
  assert.deepEqual(gcmOptionsSchema.parse(entry), entry);
});

Deno.test("gcmOptionsSchema takes a service account with every setting", () => {
  const entry = {
    enabled: true,
    serviceaccount: "/etc/push/account.json",
    projectid: "example.com:demo-1",
    address: "https://localhost:9443/fcm",
    tokenaddress: "https://localhost:9443/token",
    cafile: "/etc/push/ca.pem",
  };
  assert.deepEqual(gcmOptionsSchema.parse(entry), entry);
});

Deno.test("gcmOptionsSchema takes the names of booleans, as the original does", () => {
  assert.equal(gcmOptionsSchema.parse({ enabled: " TRUE ", key: "k" }).enabled, true);
  assert.equal(gcmOptionsSchema.parse({ enabled: "false", key: "k" }).enabled, false);
  assert.match(faults({ enabled: "perhaps", key: "k" }), /^enabled: /);
});

Deno.test("gcmOptionsSchema wants exactly one credential", () => {
  assert.match(faults({}), /either 'key' .* or 'serviceaccount'/);
  assert.match(faults({ key: "k", serviceaccount: "f" }), /either 'key' .* or 'serviceaccount'/);
});

Deno.test("gcmOptionsSchema names an unknown key and a wrong type", () => {
  assert.match(faults({ key: "k", kee: 1 }), /Unrecognized key: "kee"/);
  assert.match(faults({ key: 7 }), /^key: .*expected string/);
});

Deno.test("gcmOptionsSchema refuses addresses of other protocols than HTTP, and projects with a path", () => {
  assert.match(faults({ key: "k", address: "ftp://x" }), /^address: /);
  assert.match(faults({ key: "k", address: "nowhere" }), /^address: /);
  assert.match(faults({ serviceaccount: "f", projectid: "../x" }), /^projectid: /);
});
