/**
 * Encrypts tokens for Redis with a key derived from the credential that a token was made with, so
 * that a reader of Redis cannot use it. The name of the Redis key is derived too: nodes with
 * another credential of the same name, as during its renewal, do not overwrite each other's token.
 */

import { Buffer } from "node:buffer";
import { parseJsonObject } from "../../core/json.ts";
import type { SharedToken } from "../../core/shared_tokens.ts";

/** What is derived from a name and a secret. */
export interface Seal {
  readonly key: CryptoKey;
  /** Part of the token's keys in Redis. */
  readonly keyId: string;
}

const SALT = new TextEncoder().encode("carillon shared token");
const KEY_BYTES = 32;
const KEY_ID_BYTES = 16;
/** Random, as NIST SP 800-38D §8.2.2 allows for as few encryptions as one key makes here. */
const IV_BYTES = 12;

/** Derives key and key id with HKDF (RFC 5869) and SHA-256. */
export async function sealOf(name: string, secret: string): Promise<Seal> {
  const encoder = new TextEncoder();
  const { subtle } = crypto;
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  const material = await subtle.importKey("raw", encoder.encode(secret), "HKDF", false, [
    "deriveBits",
  ]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: SALT, info: encoder.encode(name) };
  const bits = await subtle.deriveBits(parameters, material, (KEY_BYTES + KEY_ID_BYTES) * 8);
  return {
    key: await subtle.importKey("raw", bits.slice(0, KEY_BYTES), "AES-GCM", false, usages),
    keyId: Buffer.from(bits, KEY_BYTES).toString("base64url"),
  };
}

/** Encrypts a token. */
export async function sealToken({ key }: Seal, token: SharedToken): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const plain = new TextEncoder().encode(JSON.stringify(token));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain);
  return Buffer.concat([iv, new Uint8Array(sealed)]).toString("base64url");
}

/** Decrypts a token; `undefined` where the text was not made with this key. */
export async function openToken({ key }: Seal, text: string): Promise<SharedToken | undefined> {
  const bytes = Buffer.from(text, "base64url");
  const iv = bytes.subarray(0, IV_BYTES);
  try {
    const plain = await crypto.subtle.decrypt(
      { name: "AES-GCM", iv },
      key,
      bytes.subarray(IV_BYTES),
    );
    const { value, madeAt, expiresAt } = parseJsonObject(new TextDecoder().decode(plain)) ?? {};
    if (
      typeof value !== "string" || typeof madeAt !== "number" || typeof expiresAt !== "number"
    ) return undefined;
    return { value, madeAt, expiresAt };
  } catch {
    return undefined;
  }
}
