import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { certificateFault, readPushCertificate } from "../../../transports/apn/certificate.ts";
import { loadCredential } from "../../../transports/apn/credentials.ts";
import { ClientConfigError } from "../../../transports/clients/mod.ts";
import { type ApnOptions, apnOptionsSchema } from "../../../transports/apn/settings.ts";
import { makeCertificate } from "../../support/certificate.ts";
import {
  BUNDLE_ID,
  DEVELOPMENT,
  makeKeystore,
  makePushCertificate,
  PRODUCTION,
} from "./_keystore.ts";

/** An hour from now, so that certificates made during the tests are valid by then. */
const NOW = Date.now() + 3_600_000;
const push = await makePushCertificate();
const store = await makeKeystore(push, { password: "secret" });

function load(
  entry: Record<string, unknown>,
  { bytes = store, nowMs = NOW }: { bytes?: Uint8Array; nowMs?: number } = {},
) {
  const options: ApnOptions = apnOptionsSchema.parse(entry);
  return loadCredential({ ...options, auth: options.auth! }, { bytes, nowMs });
}

function p12(extra: Record<string, unknown> = {}) {
  return { keystore: "/etc/app.p12", password: "secret", ...extra };
}

function p8(key: string) {
  const entry = { privatekey: "/etc/key.p8", keyid: "ABC1234567", teamid: "TEAM123456" };
  return load({ ...entry, topic: BUNDLE_ID }, { bytes: new TextEncoder().encode(key) });
}

async function faultOf(loading: ReturnType<typeof load>): Promise<ClientConfigError> {
  const thrown = await loading.then(() => undefined, (thrown) => thrown);
  assert.ok(thrown instanceof ClientConfigError);
  return thrown;
}

Deno.test("a keystore gives certificate, key, expiry and the app's bundle id", async () => {
  const loaded = await load(p12());
  assert.ok(loaded.credential.type === "certificate");
  assert.equal(loaded.topic, BUNDLE_ID);
  assert.ok(loaded.credential.expiresAt > NOW + 86_400_000);
});

Deno.test("a configured topic comes before the certificate's", async () => {
  const loaded = await load(p12({ topic: "com.example.other" }));
  assert.equal(loaded.topic, "com.example.other");
});

Deno.test("a certificate that names no app needs a configured topic", async () => {
  const plain = await makeKeystore(await makeCertificate(), { password: "secret" });
  assert.match((await faultOf(load(p12(), { bytes: plain }))).message, /without 'topic'/);
  assert.equal((await load(p12({ topic: "a.b" }), { bytes: plain })).topic, "a.b");
});

Deno.test("a wrong password is reported with the file, and without the password", async () => {
  const fault = await faultOf(load(p12({ password: "letmein" })));
  assert.equal(fault.file, "/etc/app.p12");
  assert.equal(fault.message, "cannot be opened: the password is wrong");
});

Deno.test("a certificate that has expired, or is not yet valid, is reported with the day", async () => {
  const later = await faultOf(load(p12(), { nowMs: NOW + 10 * 86_400_000 }));
  assert.match(later.message, /the certificate expired on 20\d\d-\d\d-\d\d/);
  const earlier = await faultOf(load(p12(), { nowMs: NOW - 86_400_000 }));
  assert.match(earlier.message, /the certificate is not valid before 20\d\d-\d\d-\d\d/);
});

Deno.test("a certificate that OpenSSL made in the past is read with its dates", async () => {
  const old = await makePushCertificate({ validity: ["20200101000000Z", "20210101000000Z"] });
  const bytes = await makeKeystore(old, { password: "secret" });
  assert.match((await faultOf(load(p12(), { bytes }))).message, /expired on 2021-01-01/);
});

Deno.test("a certificate of the other environment is reported", async () => {
  const only = async (extension: string) => {
    const pair = await makePushCertificate({ extensions: [extension] });
    return makeKeystore(pair, { password: "secret" });
  };
  const development = await only(DEVELOPMENT);
  const production = await only(PRODUCTION);
  assert.match(
    (await faultOf(load(p12(), { bytes: development }))).message,
    /for the development environment, but 'production' is true/,
  );
  assert.match(
    (await faultOf(load(p12({ production: false }), { bytes: production }))).message,
    /for the production environment, but 'production' is false/,
  );
  await assert.doesNotReject(load(p12(), { bytes: production }));
  await assert.doesNotReject(load(p12({ production: false }), { bytes: development }));
});

Deno.test("a certificate for both environments, or neither, serves both", async () => {
  const neither = await makePushCertificate({ extensions: [] });
  for (const pair of [push, neither]) {
    const certificate = readPushCertificate([pair.cert], pair.key)!;
    for (const production of [true, false]) {
      assert.equal(certificateFault(certificate, { production, nowMs: NOW }), undefined);
    }
  }
});

Deno.test("the certificate of the key is found wherever it is in the keystore", async () => {
  const other = await makeCertificate({ subject: "/CN=Some authority" });
  const { chain, bundleId } = readPushCertificate([other.cert, push.cert], push.key)!;
  assert.equal(bundleId, BUNDLE_ID);
  assert.ok(chain.startsWith(push.cert.trimEnd()));
  assert.ok(chain.trimEnd().endsWith(other.cert.trimEnd()));
  assert.equal(readPushCertificate([other.cert], push.key), undefined);
});

Deno.test("a token key is loaded from PKCS#8", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const loaded = await p8(privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  assert.ok(loaded.credential.type === "jwt");
  assert.equal(loaded.credential.keyId, "ABC1234567");
  assert.equal(loaded.credential.key.extractable, false);
});

Deno.test("a token key is loaded from SEC1, with attributes, and with '\\n' written out", async () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pkcs8 = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  for (
    const text of [
      String(privateKey.export({ type: "sec1", format: "pem" })),
      `Bag Attributes\n    localKeyID: 01\n${pkcs8}`,
      pkcs8.replaceAll("\n", "\\n"),
    ]
  ) {
    assert.equal((await p8(text)).credential.type, "jwt");
  }
});

Deno.test("a token key of another kind or form is reported, without its contents", async () => {
  const { privateKey: p384 } = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  for (
    const [pem, message] of [
      [p384.export({ type: "pkcs8", format: "pem" }), /^is P-384 and/],
      [rsa.export({ type: "pkcs8", format: "pem" }), /^is RSA and/],
      [push.cert, /^holds a certificate and no private key$/],
      ["", /^holds no private key in PEM/],
    ] as const
  ) {
    const fault = await faultOf(p8(String(pem)));
    assert.equal(fault.file, "/etc/key.p8");
    assert.match(fault.message, message);
    assert.doesNotMatch(fault.message, /MI[A-Za-z0-9+/]{6}/);
  }
});
