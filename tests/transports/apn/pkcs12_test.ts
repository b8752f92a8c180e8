import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readPushCertificate } from "../../../transports/apn/certificate.ts";
import { openPkcs12 } from "../../../transports/apn/pkcs12.ts";
import { makeCertificate } from "../../support/certificate.ts";
import { type KeystoreOptions, makeKeystore, makePushCertificate } from "./_keystore.ts";

const rsa = await makePushCertificate({ algorithm: "rsa" });
const ec = await makePushCertificate({ algorithm: "ec" });
const authority = (await makeCertificate({ subject: "/CN=Some authority" })).cert;

const DES3 = ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
const VARIANTS: Readonly<Record<string, Partial<KeystoreOptions>>> = {
  "OpenSSL's defaults, with an authority": { authority },
  "the ciphers of old Keychain exports": { args: ["-legacy"] },
  "3DES throughout": { args: DES3 },
  "an empty password": { password: "" },
  "a password beyond ASCII": { password: "pässwörd☂" },
  "no MAC": { args: ["-nomac"] },
  "an unencrypted certificate": { args: ["-certpbe", "NONE"] },
  "an unencrypted key": { args: ["-keypbe", "NONE"] },
  "many iterations": { args: ["-iter", "100000"] },
};

for (const [variant, options] of Object.entries(VARIANTS)) {
  Deno.test(`a keystore with ${variant} opens`, async () => {
    const password = options.password ?? "A3JWKAKR8XB";
    const store = await makeKeystore(rsa, { ...options, password });
    const parts = await openPkcs12(store, password);
    assert.ok(parts.kind === "opened", JSON.stringify(parts));
    const leaf = readPushCertificate(parts.certificates, parts.key)!;
    assert.equal(new X509Certificate(leaf.chain).raw.compare(new X509Certificate(rsa.cert).raw), 0);
    assert.equal(parts.certificates.length, options.authority ? 2 : 1);
  });
}

for (const args of [[], ["-keypbe", "NONE"]]) {
  Deno.test(`a keystore with an EC key opens (${args.join(" ") || "defaults"})`, async () => {
    const store = await makeKeystore(ec, { password: "secret", args });
    const parts = await openPkcs12(store, "secret");
    assert.ok(parts.kind === "opened", JSON.stringify(parts));
    assert.equal(createPrivateKey(parts.key).asymmetricKeyType, "ec");
    assert.ok(readPushCertificate(parts.certificates, parts.key));
  });
}

for (const args of [[], ["-legacy"], DES3, ["-keypbe", "NONE"]]) {
  Deno.test(`a wrong password is reported as such (${args[0] ?? "defaults"})`, async () => {
    const store = await makeKeystore(rsa, { password: "right", args });
    const parts = await openPkcs12(store, "wrong");
    assert.deepEqual(parts, { kind: "fault", message: "the password is wrong" });
  });
}

Deno.test("a wrong password of a keystore without a MAC is reported with one of two reasons", async () => {
  // One wrong password in 256 decrypts to bytes with a valid padding.
  const store = await makeKeystore(rsa, { password: "right", args: ["-iter", "1", "-nomac"] });
  for (let i = 0; i < 1_000; i++) {
    const parts = await openPkcs12(store, `wrong ${i}`);
    assert.ok(parts.kind === "fault", `wrong ${i}`);
    assert.match(parts.message, /password is wrong/);
  }
});

for (const args of [[], ["-nomac"], ["-legacy"], ["-keypbe", "NONE"]]) {
  Deno.test(`a keystore with too many iterations is refused at once (${args.join(" ") || "defaults"})`, async () => {
    const store = await makeKeystore(ec, { password: "x", args: [...args, "-iter", "800000"] });
    const parts = await openPkcs12(store, "x");
    assert.ok(parts.kind === "fault");
    assert.match(parts.message, /more than 1500000 iterations/);
  });
}

Deno.test("what only the slow reader opens may ask for less", async () => {
  const args = ["-keypbe", "NONE", "-iter", "150000"];
  const parts = await openPkcs12(await makeKeystore(ec, { password: "x", args }), "x");
  assert.ok(parts.kind === "fault");
  assert.match(parts.message, /more than 100000 iterations/);
});

Deno.test("a file that is not a keystore is reported as such", async () => {
  for (const text of ["", "hello", "-----BEGIN CERTIFICATE-----\n"]) {
    const parts = await openPkcs12(new TextEncoder().encode(text), "secret");
    assert.ok(parts.kind === "fault");
    assert.match(parts.message, /not a PKCS#12 keystore/);
  }
});

Deno.test("a keystore without a key is reported as such", async () => {
  const store = await makeKeystore(rsa, { password: "secret", args: ["-nokeys"] });
  const parts = await openPkcs12(store, "secret");
  assert.deepEqual(parts, { kind: "fault", message: "it contains no private key" });
});
