/**
 * Reads an Apple push certificate and checks that it fits its configuration. The check runs on
 * load, because the runtime accepts an expired certificate, and APNs then only ends the handshake.
 */

import { Buffer } from "node:buffer";
import { createPrivateKey, X509Certificate } from "node:crypto";

interface PushCertificate {
  /** The leaf first, then the other certificates of the keystore. */
  readonly chain: string;
  /** The `UID` of the subject, which is the app's bundle id. */
  readonly bundleId: string | undefined;
  /** Epoch milliseconds. */
  readonly validFrom: number;
  /** Epoch milliseconds. */
  readonly validUntil: number;
  /** Whether it names the environment; a certificate without either may be for both. */
  readonly development: boolean;
  readonly production: boolean;
}

/** `1.2.840.113635.100.6.3.1` and `.2` in DER. */
const DEVELOPMENT_OID = Buffer.from("060a2a864886f76364060301", "hex");
const PRODUCTION_OID = Buffer.from("060a2a864886f76364060302", "hex");

/** Finds the certificate of a key; keystores list certificates in any order. */
export function readPushCertificate(
  certificates: readonly string[],
  key: string,
): PushCertificate | undefined {
  const privateKey = createPrivateKey(key);
  const parsed = certificates.map((pem) => ({ pem, x509: new X509Certificate(pem) }));
  const leaf = parsed.find(({ x509 }) => x509.checkPrivateKey(privateKey));
  if (!leaf) return undefined;
  const { x509 } = leaf;
  const rest = parsed.filter((entry) => entry !== leaf);
  return {
    chain: [leaf, ...rest].map(({ pem }) => pem.trimEnd() + "\n").join(""),
    bundleId: /^UID=(.+)$/im.exec(x509.subject)?.[1],
    validFrom: Date.parse(x509.validFrom),
    validUntil: Date.parse(x509.validTo),
    development: x509.raw.includes(DEVELOPMENT_OID),
    production: x509.raw.includes(PRODUCTION_OID),
  };
}

/** Returns why a certificate does not fit an environment and time, or `undefined`. */
export function certificateFault(
  certificate: PushCertificate,
  { production, nowMs }: { readonly production: boolean; readonly nowMs: number },
): string | undefined {
  const { validFrom, validUntil } = certificate;
  if (nowMs >= validUntil) return `the certificate expired on ${formatDay(validUntil)}`;
  if (nowMs < validFrom) return `the certificate is not valid before ${formatDay(validFrom)}`;
  if (!certificate.production && !certificate.development) return undefined;
  if (production && !certificate.production) {
    return "the certificate is for the development environment, but 'production' is true";
  }
  if (!production && !certificate.development) {
    return "the certificate is for the production environment, but 'production' is false";
  }
  return undefined;
}

/** Formats a date for operators. */
export function formatDay(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}
