import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import webPush from "npm:web-push@3.6.7";
import { subjectFault, webPushOptionsSchema } from "../../../transports/webpush/settings.ts";
import { importVapidKey } from "../../../transports/webpush/vapid.ts";

const { publicKey: publickey, privateKey: privatekey } = webPush.generateVAPIDKeys();
const VALID = { publickey, privatekey, subject: "mailto:ops@example.com" };

Deno.test("keys of npm web-push and a contact are all that an entry needs", () => {
  assert.deepEqual(webPushOptionsSchema.parse(VALID), VALID);
});

Deno.test("a misspelt key is an error that names it", () => {
  refuses({ ...VALID, privatkey: "x" }, /privatkey/);
});

Deno.test("a private key of the wrong length is refused without being repeated", () => {
  const message = refuses({ ...VALID, privatekey: "c2VjcmV0" }, /32 bytes/);
  assert.doesNotMatch(message, /c2VjcmV0/);
});

Deno.test("a pair in PEM is read as the raw halves that browsers know", async () => {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = String(pair.publicKey.export({ type: "spki", format: "pem" }));
  for (const type of ["pkcs8", "sec1"] as const) {
    const pem = String(pair.privateKey.export({ type, format: "pem" }));
    for (const [publickey, privatekey] of [[spki, pem], [escaped(spki), escaped(pem)]]) {
      const read = webPushOptionsSchema.parse({ ...VALID, publickey, privatekey });
      assert.equal(read.privatekey, pair.privateKey.export({ format: "jwk" }).d);
      assert.ok(await importVapidKey(read.publickey, read.privatekey));
    }
  }
});

Deno.test("an invalid private key is reported without being repeated", () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  const message = refuses({ ...VALID, privatekey: pem }, /is RSA and must be P-256/);
  assert.ok(!message.includes(pem.split("\n")[1]!));
  refuses({ ...VALID, privatekey: publickey }, /is a public key/);
});

function escaped(pem: string): string {
  return pem.replaceAll("\n", "\\n");
}

Deno.test("a public key that is not a point of the curve is refused", () => {
  refuses({ ...VALID, publickey: publickey.slice(0, -4) + "AAAA" }, /65 bytes/);
});

Deno.test("an invalid host is refused", () => {
  refuses({ ...VALID, hosts: ["https://push.example.com/x"] }, /host/);
});

Deno.test("previous keys, by their first name too, are checked like the current ones", () => {
  refuses({ ...VALID, previouskeys: [{ publickey, privatekey: "x" }] }, /32 bytes/);
  refuses({ ...VALID, oldkeys: [{ publickey, privatekey: "x" }] }, /32 bytes/);
});

for (
  const subject of [
    "mailto:ops@example.com",
    "mailto:push+ops@mail.example.co.uk",
    "https://example.com/contact",
  ]
) {
  Deno.test(`the subject ${subject} is taken`, () => {
    assert.equal(subjectFault(subject), undefined);
  });
}

for (
  const subject of [
    "ops@example.com",
    "mailto: ops@example.com",
    "mailto:Ops <ops@example.com>",
    "mailto:<ops@example.com>",
    "mailto:ops@localhost",
    "mailto:ops@example",
    "mailto:ops@127.0.0.1",
    "mailto:a@example.com,b@example.com",
    "mailto:",
    "http://example.com",
    "https://localhost",
    "https://10.0.0.1/contact",
    "https://[::1]/",
    "https:// example.com",
  ]
) {
  Deno.test(`the subject '${subject}' is refused, as by Apple`, () => {
    assert.notEqual(subjectFault(subject), undefined);
  });
}

function refuses(entry: unknown, pattern: RegExp): string {
  const { error } = webPushOptionsSchema.safeParse(entry);
  assert.match(String(error), pattern);
  return String(error);
}
