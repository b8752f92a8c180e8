/**
 * Secrets of the form `<prefix>_<id>_<random>`. The id identifies the record, which contains only a
 * hash. The random part has 256 bits and cannot be guessed, so a plain SHA-256 suffices.
 */

import { Buffer } from "node:buffer";
import { hash } from "node:crypto";

/** A new secret, which is shown once, and the id and hash to store. */
interface MintedSecret {
  readonly id: string;
  readonly secret: string;
  readonly hash: string;
}

/** Creates a secret whose id has 64 random bits. */
export function mintSecret(prefix: string): MintedSecret {
  const id = Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const secret = `${prefix}_${id}_${random}`;
  return { id, secret, hash: hashSecret(secret) };
}

/** Returns the id in a secret; undefined where it does not have this prefix and form. */
export function idOfSecret(prefix: string, secret: string): string | undefined {
  if (!secret.startsWith(`${prefix}_`)) return undefined;
  return /^_([0-9a-f]{16})_[\w-]{43}$/.exec(secret.slice(prefix.length))?.[1];
}

/** Returns the SHA-256 in base64url. Synchronous, because every request calls it. */
export function hashSecret(secret: string): string {
  return hash("sha256", secret, "base64url");
}
