/**
 * Reads a private key in the forms that operators have: PKCS#8, SEC1 or PKCS#1 in PEM, with
 * attributes around it, on one line, or with `\n` written out as in JSON and environment variables.
 * The result is PKCS#8. An error says what the text contains instead and which command converts it;
 * it never contains a part of the key.
 */

import { createPrivateKey } from "node:crypto";

/** The key, or what the text contains instead. */
type ReadPrivateKey =
  | { readonly kind: "key"; readonly algorithm: string; readonly pkcs8: string }
  | { readonly kind: "fault"; readonly message: string };

type KeyAlgorithm = "P-256" | "RSA";

const BLOCK = /-----BEGIN ([A-Z0-9 ]{1,40})-----([\s\S]*?)-----END \1-----/g;
const TO_PKCS8 = "openssl pkcs8 -topk8 -nocrypt";
const NEW_KEY: Readonly<Record<KeyAlgorithm, string>> = {
  "P-256": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
  RSA: "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
};
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};
/** Labels of PEM blocks that are not readable private keys. */
const OTHERS: Readonly<Record<string, string>> = {
  "CERTIFICATE": "holds a certificate and no private key",
  "PUBLIC KEY": "holds a public key and no private key",
  "OPENSSH PRIVATE KEY":
    "holds a key in the form of OpenSSH; convert it with 'ssh-keygen -p -m PKCS8 -f key.pem'",
};

/** Replaces `\n` written as two characters by line breaks. */
export function withLineBreaks(text: string): string {
  return text.replace(/(?:\\+r)?\\+n|\\+r/g, "\n");
}

function readPrivateKey(text: string): ReadPrivateKey {
  const blocks = [...withLineBreaks(text).matchAll(BLOCK)];
  const key = blocks.find(([, label]) => /^(?:(?:ENCRYPTED|EC|RSA) )?PRIVATE KEY$/.test(label!));
  if (!key) return fault(withoutKey(text, blocks.map(([, label]) => label!)));
  const [, label = "", body = ""] = key;
  if (label.startsWith("ENCRYPTED") || /Proc-Type:.*ENCRYPTED/.test(body)) {
    return fault(`is encrypted; decrypt it with '${TO_PKCS8} -in key.pem -out decrypted.pem'`);
  }
  try {
    const base64 = body.replace(/\s+/g, "").replace(/(.{64})/g, "$1\n");
    const parsed = createPrivateKey(
      `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`,
    );
    const { asymmetricKeyType: type = "", asymmetricKeyDetails: details } = parsed;
    const curve = details?.namedCurve;
    return {
      kind: "key",
      algorithm: curve === undefined ? type.toUpperCase() : CURVES[curve] ?? curve,
      pkcs8: String(parsed.export({ type: "pkcs8", format: "pem" })),
    };
  } catch {
    return fault(
      `cannot be read: its content is damaged or of a rare form; '${TO_PKCS8} -in key.pem' shows why`,
    );
  }
}

/** Reads a key of the wanted kind as PKCS#8. */
export function readKeyOf(algorithm: KeyAlgorithm, text: string): ReadPrivateKey {
  const read = readPrivateKey(text);
  if (read.kind === "fault" || read.algorithm === algorithm) return read;
  const { [algorithm]: command } = NEW_KEY;
  return fault(
    `is ${read.algorithm} and must be ${algorithm}: take the key that the provider gives out; ` +
      `keys for a test are made with '${command}'`,
  );
}

function withoutKey(text: string, labels: readonly string[]): string {
  const known = labels.map((label) => OTHERS[label]).find((message) => message !== undefined);
  if (known !== undefined) return known;
  if (text.startsWith("0") && !text.includes("-----BEGIN")) {
    return "is binary and must be PEM; " +
      `convert it with '${TO_PKCS8} -inform DER -in key.der -out key.pem'`;
  }
  return text.includes("-----BEGIN")
    ? "is cut off: a line that begins with '-----END' is missing"
    : "holds no private key in PEM: a line '-----BEGIN PRIVATE KEY-----' is missing";
}

function fault(message: string): ReadPrivateKey {
  return { kind: "fault", message };
}
