import assert from "node:assert/strict";
import { tokenRequest } from "../../../transports/wns/client.ts";
import { wnsOptionsSchema } from "../../../transports/wns/mod.ts";

function faults(entry: unknown): string {
  const result = wnsOptionsSchema.safeParse(entry);
  return result.success
    ? ""
    : result.error.issues.map((it) => `${it.path.join(".")}: ${it.message}`).join("\n");
}

Deno.test("wnsOptionsSchema takes the seed's example", () => {
  const entry = { enabled: false, sid: "AIzaSy2535345TbVL2", secret: "14e435y2535345TbVL2" };
  assert.deepEqual(wnsOptionsSchema.parse(entry), entry);
});

Deno.test("wnsOptionsSchema takes an Entra app with every setting", () => {
  const entry = {
    tenant: "72f988bf-86f1-41af-91ab-2d7cd011db47",
    appid: "00000000-0000-0000-0000-000000000001",
    secret: "s",
    type: "raw",
    tokenaddress: "https://localhost:9443/token",
    hosts: ["localhost:9443", "*.push.example"],
    cafile: "/etc/push/ca.pem",
  };
  assert.deepEqual(wnsOptionsSchema.parse(entry), entry);
});

Deno.test("wnsOptionsSchema takes one host without a list", () => {
  const entry = { sid: "s", secret: "x", hosts: "localhost:9443" };
  assert.deepEqual(wnsOptionsSchema.parse(entry).hosts, ["localhost:9443"]);
});

Deno.test("wnsOptionsSchema wants one flow, whole", () => {
  const wanted = /either 'sid', or both 'tenant' and 'appid'/;
  assert.match(faults({ secret: "s" }), wanted);
  assert.match(faults({ secret: "s", tenant: "t" }), wanted);
  assert.match(faults({ secret: "s", appid: "a" }), wanted);
  assert.match(faults({ secret: "s", sid: "s", tenant: "t", appid: "a" }), wanted);
  assert.match(faults({ sid: "s" }), /^secret: /);
});

Deno.test("wnsOptionsSchema refuses a tenant with a path, an odd host and an unknown kind", () => {
  assert.match(faults({ secret: "s", appid: "a", tenant: "../x" }), /^tenant: /);
  assert.match(faults({ secret: "s", sid: "s", hosts: ["https://x/"] }), /^hosts/);
  assert.match(faults({ secret: "s", sid: "s", type: "hologram" }), /^type: /);
});

Deno.test("tokenRequest() asks the older flow by package SID, with its scheme added once", () => {
  const bare = tokenRequest({ sid: "S-1-15-2-1", secret: "s" });
  assert.equal(bare.address, "https://login.live.com/accesstoken.srf");
  assert.deepEqual(bare.form, {
    grant_type: "client_credentials",
    client_id: "ms-app://S-1-15-2-1",
    client_secret: "s",
    scope: "notify.windows.com",
  });
  const whole = tokenRequest({ sid: "ms-app://S-1-15-2-1", secret: "s" });
  assert.equal(whole.form.client_id, "ms-app://S-1-15-2-1");
});

Deno.test("tokenRequest() asks Entra's flow at the tenant's address", () => {
  const { address, form } = tokenRequest({ tenant: "contoso.com", appid: "app-1", secret: "s" });
  assert.equal(address, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token");
  assert.deepEqual(form, {
    grant_type: "client_credentials",
    client_id: "app-1",
    client_secret: "s",
    scope: "https://wns.windows.com/.default",
  });
});
