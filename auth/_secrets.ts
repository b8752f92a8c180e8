/**
 * Secrets of the form `<prefix>_<id>_<random>`: the id finds the record, the record holds only a
 * hash. The random part has 256 bits, so a plain SHA-256 is enough; nothing can be guessed.
 */

import { Buffer } from "node:buffer";
import { hash, timingSafeEqual } from "node:crypto";

/** A new secret, which is shown once, and what is kept of it. */
interface MintedSecret {
  readonly id: string;
  readonly secret: string;
  readonly hash: string;
}

/** Makes a secret whose id has 64 random bits. */
export function mintSecret(prefix: string): MintedSecret {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const secret = `${prefix}_${id}_${random}`;
  return { id, secret, hash: hashSecret(secret) };
}

/** The id within a secret, or `undefined` where it is none of this prefix. */
export function idOfSecret(prefix: string, secret: string): string | undefined {
  if (!secret.startsWith(`${prefix}_`)) return undefined;
  return /^_([0-9a-f]{16})_[\w-]{43}$/.exec(secret.slice(prefix.length))?.[1];
}

/** SHA-256 in base64url. Synchronous, because it lies on the way of every request. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "base64url");
}

/** Compares two hashes in a time that does not depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
