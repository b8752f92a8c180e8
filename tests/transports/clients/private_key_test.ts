import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { readKeyOf, withLineBreaks } from "../../../transports/clients/mod.ts";

const { privateKey: p256, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const { privateKey: p384 } = generateKeyPairSync("ec", { namedCurve: "P-384" });
const { privateKey: rsa } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const { privateKey: ed25519 } = generateKeyPairSync("ed25519");

const PKCS8 = pem(p256, "pkcs8");
const SEC1 = pem(p256, "sec1");
const ATTRIBUTES = "Bag Attributes\n    friendlyName: push\nKey Attributes: <No Attributes>\n";

function pem(key: KeyObject, type: "pkcs8" | "sec1" | "pkcs1"): string {
  return String(key.export({ type, format: "pem" }));
}

function openssl(...args: string[]): string {
  return String(execFileSync("openssl", args, { input: SEC1, stdio: ["pipe", "pipe", "ignore"] }));
}

for (
  const [what, text] of [
    ["PKCS#8", PKCS8],
    ["SEC1", SEC1],
    [
      "SEC1 after the parameters of its curve",
      `-----BEGIN EC PARAMETERS-----
BggqhkjOPQMBBw==
-----END EC PARAMETERS-----
${SEC1}`,
    ],
    ["attributes before the key", ATTRIBUTES + PKCS8],
    ["'\\n' in place of line breaks", PKCS8.replaceAll("\n", "\\n")],
    ["'\\n' in quotes", JSON.stringify(SEC1)],
    ["'\\\\r\\\\n', as escaping twice leaves it", PKCS8.replaceAll("\n", "\\\\r\\\\n")],
    ["blanks in place of line breaks", PKCS8.replaceAll("\n", " ")],
    [
      "indented lines that end as on Windows",
      PKCS8.replaceAll(/^/gm, "  ").replaceAll("\n", "\r\n"),
    ],
  ] as const
) {
  Deno.test(`a private key is read: ${what}`, () => {
    assert.deepEqual(readKeyOf("P-256", text), { kind: "key", algorithm: "P-256", pkcs8: PKCS8 });
  });
}

Deno.test("an RSA key is read from PKCS#1", () => {
  assert.deepEqual(readKeyOf("RSA", pem(rsa, "pkcs1")), {
    kind: "key",
    algorithm: "RSA",
    pkcs8: pem(rsa, "pkcs8"),
  });
});

for (
  const [what, text, message] of [
    ["RSA", pem(rsa, "pkcs8"), /^is RSA and must be P-256: .*'openssl genpkey -algorithm EC /],
    ["RSA as PKCS#1", pem(rsa, "pkcs1"), /^is RSA and must be P-256/],
    ["P-384", pem(p384, "pkcs8"), /^is P-384 and must be P-256: .*ec_paramgen_curve:P-256/],
    ["P-384 as SEC1", pem(p384, "sec1"), /^is P-384 and must be P-256/],
    ["Ed25519", pem(ed25519, "pkcs8"), /^is ED25519 and must be P-256/],
    [
      "an encrypted key",
      openssl("pkcs8", "-topk8", "-passout", "pass:x"),
      /^is encrypted; decrypt it with 'openssl pkcs8 -topk8 -nocrypt -in/,
    ],
    [
      "an encrypted key in the old form",
      openssl("ec", "-aes128", "-passout", "pass:x"),
      /^is encrypted; decrypt it with 'openssl pkcs8/,
    ],
    ["a public key", String(publicKey.export({ type: "spki", format: "pem" })), /a public key and/],
    [
      "a certificate",
      "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
      /^holds a certificate and no private key$/,
    ],
    [
      "a key in the form of OpenSSH",
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----\n",
      /OpenSSH; convert it with 'ssh-keygen/,
    ],
    ["a key that is cut off", PKCS8.slice(0, 120), /^is cut off/],
    ["a damaged key", PKCS8.replace(/\n[A-Za-z0-9+/]{20}/, "\n"), /^cannot be read/],
    ["DER", "0\u0081\u0087\u0002", /^is binary .* -inform DER/],
    ["nothing", "", /^holds no private key in PEM/],
  ] as const
) {
  Deno.test(`what is no key for APNs is named, without its content: ${what}`, () => {
    const read = readKeyOf("P-256", text);
    assert.ok(read.kind === "fault");
    assert.match(read.message, message);
    for (const line of text.split("\n").filter((line) => line.length > 12 && !/-----/.test(line))) {
      assert.ok(!read.message.includes(line));
    }
  });
}

Deno.test("a P-256 key is named where RSA is needed", () => {
  const read = readKeyOf("RSA", PKCS8);
  assert.ok(read.kind === "fault");
  assert.match(read.message, /^is P-256 and must be RSA: .*'openssl genpkey -algorithm RSA/);
});

Deno.test("the command that a message gives makes a key that is taken", () => {
  for (const algorithm of ["P-256", "RSA"] as const) {
    const other = readKeyOf(algorithm, pem(ed25519, "pkcs8"));
    assert.ok(other.kind === "fault");
    const command = /'openssl (.*) -out key\.pem'/.exec(other.message)![1]!;
    assert.equal(readKeyOf(algorithm, openssl(...command.split(" "))).kind, "key");
  }
});

Deno.test("readKeyOf() survives any text", () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "-----BEGIN PRIVATE KEY-----",
      "-----END PRIVATE KEY-----",
      "\\n",
      "MIGH",
      PKCS8,
    ),
  );
  fc.assert(fc.property(fc.array(piece), (parts) => {
    readKeyOf("P-256", parts.join(""));
  }));
});

Deno.test("withLineBreaks() leaves a text without written-out line breaks as it is", () => {
  assert.equal(withLineBreaks(PKCS8), PKCS8);
});
