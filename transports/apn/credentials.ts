/**
 * Turns a client's options into a credential. It checks each file on load, so that an error appears
 * then and not with each push.
 */

import { createHash } from "node:crypto";
import { type CryptoKey, importPKCS8 } from "jose";
import { messageOf } from "../../core/errors.ts";
import { ClientConfigError, readKeyOf } from "../clients/mod.ts";
import { certificateFault, readPushCertificate } from "./certificate.ts";
import { openPkcs12 } from "./pkcs12.ts";
import type { ApnAuth, ApnOptions } from "./settings.ts";

type ApnCredential =
  | {
    readonly type: "certificate";
    /** PEM, the leaf first. */
    readonly cert: string;
    /** PEM. */
    readonly key: string;
    /** Epoch milliseconds. */
    readonly expiresAt: number;
  }
  | ApnTokenKey;

/** A key that signs provider tokens. */
export interface ApnTokenKey {
  readonly type: "jwt";
  /** Private, P-256. */
  readonly key: CryptoKey;
  readonly keyId: string;
  readonly teamId: string;
  /** Derived from the key; reveals nothing about it. */
  readonly keyDigest: string;
}

/** The content of a client's files. */
export interface LoadedCredential {
  readonly credential: ApnCredential;
  /** Bundle id: as configured, or from the certificate. */
  readonly topic: string;
}

interface CredentialSource {
  /** The bytes of the key file or keystore. */
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}

/**
 * Reads a credential from the file that a client's options name.
 *
 * @throws {ClientConfigError} where it cannot be used.
 */
export function loadCredential(
  options: ApnOptions & { readonly auth: ApnAuth },
  source: CredentialSource,
): Promise<LoadedCredential> {
  const { auth } = options;
  return auth.type === "certificate"
    ? loadKeystore({ ...options, auth }, source)
    : loadTokenKey({ ...options, auth }, source);
}

async function loadKeystore(
  { auth, production, topic }: ApnOptions & { auth: Extract<ApnAuth, { type: "certificate" }> },
  { bytes, nowMs }: CredentialSource,
): Promise<LoadedCredential> {
  const file = auth.keystore;
  const parts = await openPkcs12(bytes, auth.password);
  if (parts.kind === "fault") {
    throw new ClientConfigError(`cannot be opened: ${parts.message}`, file);
  }
  const { key, certificates } = parts;
  const certificate = attempt(() => readPushCertificate(certificates, key));
  if (!certificate) {
    throw new ClientConfigError("contains no certificate that belongs to its key", file);
  }
  const mismatch = certificateFault(certificate, { production, nowMs });
  if (mismatch) throw new ClientConfigError(`cannot be used: ${mismatch}`, file);
  const bundleId = topic ?? certificate.bundleId;
  if (!bundleId) {
    throw new ClientConfigError(
      "cannot be used without 'topic': its certificate names no bundle id",
      file,
    );
  }
  const { chain, validUntil } = certificate;
  return {
    topic: bundleId,
    credential: { type: "certificate", cert: chain, key, expiresAt: validUntil },
  };
}

async function loadTokenKey(
  { auth, topic }: ApnOptions & { auth: Extract<ApnAuth, { type: "jwt" }> },
  { bytes }: CredentialSource,
): Promise<LoadedCredential> {
  const file = auth.privatekey;
  if (!topic) throw new ClientConfigError("'topic' is needed for authtype 'jwt'");
  const pem = new TextDecoder().decode(bytes).trim();
  const read = readKeyOf("P-256", pem);
  if (read.kind === "fault") throw new ClientConfigError(read.message, file);
  const { keyid, teamid } = auth;
  const keyDigest = createHash("sha256").update(pem).digest("base64url");
  try {
    const key = await importPKCS8(read.pkcs8, "ES256");
    return {
      topic,
      credential: { type: "jwt", key, keyId: keyid, teamId: teamid, keyDigest },
    };
  } catch {
    throw new ClientConfigError("contains a key that the runtime does not accept", file);
  }
}

/**
 * Returns why the TLS library refuses a certificate, its key or the authorities. It says so when an
 * HTTP client is created.
 */
export function tlsFault(thrown: unknown): string {
  const text = messageOf(thrown);
  if (text.includes("UnsupportedCertVersion")) {
    return "the certificate has X.509 version 1; version 3 is needed";
  }
  if (text.includes("KeyMismatch")) return "the certificate does not belong to the key";
  return "the TLS library does not accept it";
}

/** A key of a kind that the runtime cannot parse counts as not matching. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
