/** Entries as operators of the original write them, through the reader of the files. */

import assert from "node:assert/strict";
import type { z } from "zod";
import { parseClientOptions } from "../../../cascade/mod.ts";
import { apnOptionsSchema } from "../../../transports/apn/settings.ts";
import { gcmOptionsSchema } from "../../../transports/gcm/settings.ts";
import { webPushOptionsSchema } from "../../../transports/webpush/settings.ts";
import { makeVapidKeys } from "../../../transports/webpush/vapid.ts";
import { wnsOptionsSchema } from "../../../transports/wns/settings.ts";

function read<T>(schema: z.ZodType<T>, options: string): T {
  const text = `app: { enabled: yes, ${options} }`;
  const { clients, faults } = parseClientOptions({ file: "o.yml", text }, schema);
  assert.deepEqual(faults, []);
  return clients.get("app")!;
}

Deno.test("an APNs password may be a number, and production any YAML 1.1 boolean", () => {
  const options = read(apnOptionsSchema, "keystore: /a.p12, password: 012345, production: off");
  assert.deepEqual(options.auth, {
    type: "certificate",
    keystore: "/a.p12",
    password: "012345",
  });
  assert.equal(options.production, false);
});

Deno.test("key and team of an APNs token key may look like numbers", () => {
  const options = read(
    apnOptionsSchema,
    "privatekey: /a.p8, keyid: 0123456789, teamid: 12345678E9, topic: a.b",
  );
  assert.deepEqual(options.auth, {
    type: "jwt",
    privatekey: "/a.p8",
    keyid: "0123456789",
    teamid: "12345678E9",
  });
});

Deno.test("a GCM key and a project number are what is written", () => {
  assert.equal(read(gcmOptionsSchema, "key: 1e3").key, "1e3");
  const options = read(gcmOptionsSchema, "serviceaccount: /a.json, projectid: 0123");
  assert.equal(options.projectid, "0123");
});

Deno.test("a WNS secret may be a number", () => {
  assert.equal(read(wnsOptionsSchema, "sid: ms-app://a, secret: 00").secret, "00");
});

Deno.test("any public host may be allowed by 'on'", async () => {
  const { publickey, privatekey } = await makeVapidKeys();
  const options = read(
    webPushOptionsSchema,
    `publickey: ${publickey}, privatekey: ${privatekey}, subject: "mailto:a@example.com", anypublichost: on`,
  );
  assert.equal(options.anypublichost, true);
});

Deno.test("a switch that is not a boolean is refused by name", () => {
  const text = "app: { keystore: a, password: b, production: perhaps }";
  const { faults } = parseClientOptions({ file: "o.yml", text }, apnOptionsSchema);
  assert.deepEqual(faults.map(({ message }) => message), [
    "client 'app': 'production': must be true or false",
  ]);
});
