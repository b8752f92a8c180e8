/**
 * Turns a client's options into what its connections need, checking each file on the way so that a
 * mistake is named when the configuration is loaded rather than found out push by push.
 */

import { createHash } from "node:crypto";
import { type CryptoKey, importPKCS8 } from "jose";
import { messageOf } from "../../core/errors.ts";
import { readKeyOf } from "../clients/mod.ts";
import { certificateFault, readPushCertificate } from "./certificate.ts";
import { openPkcs12 } from "./pkcs12.ts";
import type { ApnAuth, ApnOptions } from "./settings.ts";

/** What a client proves itself with. */
export type ApnCredential =
  | {
    readonly type: "certificate";
    /** PEM, the leaf first. */
    readonly cert: string;
    /** PEM. */
    readonly key: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
  }
  | {
    readonly type: "jwt";
    readonly key: CryptoKey;
    readonly keyId: string;
    readonly teamId: string;
    /** What follows from the key, and from nothing else that is known. */
    readonly keyDigest: string;
  };

/** Everything that comes out of a client's files. */
interface LoadedCredential {
  readonly kind: "loaded";
  readonly credential: ApnCredential;
  /** Bundle id: as configured, else as the certificate says. */
  readonly topic: string;
}

/** What is wrong, with the file that it is wrong in. */
export interface CredentialFault {
  readonly kind: "fault";
  /** Absent where the options themselves are wrong. */
  readonly file?: string;
  readonly message: string;
}

/** What loading needs of the world. */
interface CredentialSource {
  /** The bytes of the key file or keystore. */
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}

/** Checks the file that a client's options name. */
export function loadCredential(
  options: ApnOptions & { readonly auth: ApnAuth },
  source: CredentialSource,
): Promise<LoadedCredential | CredentialFault> {
  const { auth } = options;
  return auth.type === "certificate"
    ? loadKeystore({ ...options, auth }, source)
    : loadTokenKey({ ...options, auth }, source);
}

async function loadKeystore(
  { auth, production, topic }: ApnOptions & { auth: Extract<ApnAuth, { type: "certificate" }> },
  { bytes, nowMs }: CredentialSource,
): Promise<LoadedCredential | CredentialFault> {
  const file = auth.keystore;
  const parts = await openPkcs12(bytes, auth.password);
  if (parts.kind === "fault") return fault(file, `Cannot open the keystore: ${parts.message}`);
  const { key, certificates } = parts;
  const certificate = attempt(() => readPushCertificate(certificates, key));
  if (!certificate) {
    return fault(file, "Cannot use the keystore: none of its certificates belongs to its key");
  }
  const unfit = certificateFault(certificate, { production, nowMs });
  if (unfit) return fault(file, `Cannot use the keystore: ${unfit}`);
  const bundleId = topic ?? certificate.bundleId;
  if (!bundleId) {
    const message = "Cannot use the keystore without 'topic': its certificate names no bundle id";
    return fault(file, message);
  }
  const { chain, validUntil } = certificate;
  return {
    kind: "loaded",
    topic: bundleId,
    credential: { type: "certificate", cert: chain, key, expiresAt: validUntil },
  };
}

async function loadTokenKey(
  { auth, topic }: ApnOptions & { auth: Extract<ApnAuth, { type: "jwt" }> },
  { bytes }: CredentialSource,
): Promise<LoadedCredential | CredentialFault> {
  const file = auth.privatekey;
  if (!topic) return { kind: "fault", message: "topic is needed for authtype 'jwt'" };
  const pem = new TextDecoder().decode(bytes).trim();
  const read = readKeyOf("P-256", pem);
  if (read.kind === "fault") return fault(file, `Cannot use the key: it ${read.message}`);
  const { keyid, teamid } = auth;
  const keyDigest = createHash("sha256").update(pem).digest("base64url");
  try {
    const key = await importPKCS8(read.pkcs8, "ES256");
    return {
      kind: "loaded",
      topic,
      credential: { type: "jwt", key, keyId: keyid, teamId: teamid, keyDigest },
    };
  } catch {
    return fault(file, "Cannot use the key: the runtime does not accept it for ES256");
  }
}

/**
 * Why the TLS library refuses a certificate with its key or the authorities; it says so when a
 * client is made of them.
 */
export function tlsFault(thrown: unknown): string {
  const text = messageOf(thrown);
  if (text.includes("UnsupportedCertVersion")) {
    return "the certificate is of X.509 version 1, needed is version 3";
  }
  if (text.includes("KeyMismatch")) return "the certificate does not belong to the key";
  return "the TLS library does not accept it";
}

function fault(file: string, message: string): CredentialFault {
  return { kind: "fault", file, message };
}

/** Key material of kinds that the runtime cannot parse counts as one that does not match. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
