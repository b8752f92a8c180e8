/**
 * How a token lies in Redis: encrypted with a key that follows from the credential it was made
 * with, so that whoever reads Redis cannot use it. So does its place: nodes with another
 * credential of the same name, as during its renewal, do not overwrite each other's token.
 */

import { Buffer } from "node:buffer";
import { parseJsonObject } from "../../core/json.ts";
import type { SharedToken } from "../../core/shared_tokens.ts";

/** What follows from a name and a secret. */
export interface Seal {
  readonly key: CryptoKey;
  /** Part of the keys in Redis. */
  readonly place: string;
}

const SALT = new TextEncoder().encode("carillon shared token");
const KEY_BYTES = 32;
const PLACE_BYTES = 16;
/** NIST SP 800-38D §8.2.2: random, and few enough are made with one key. */
const IV_BYTES = 12;

/** HKDF (RFC 5869) with SHA-256. */
export async function sealOf(name: string, secret: string): Promise<Seal> {
  const encoder = new TextEncoder();
  const { subtle } = crypto;
  const usages: KeyUsage[] = ["encrypt", "decrypt"];
  const material = await subtle.importKey("raw", encoder.encode(secret), "HKDF", false, [
    "deriveBits",
  ]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: SALT, info: encoder.encode(name) };
  const bits = await subtle.deriveBits(parameters, material, (KEY_BYTES + PLACE_BYTES) * 8);
  return {
    key: await subtle.importKey("raw", bits.slice(0, KEY_BYTES), "AES-GCM", false, usages),
    place: Buffer.from(bits, KEY_BYTES).toString("base64url"),
  };
}

/** The token as text, readable only with the key. */
export async function sealToken({ key }: Seal, token: SharedToken): Promise<string> {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const plain = new TextEncoder().encode(JSON.stringify(token));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, plain);
  return Buffer.concat([iv, new Uint8Array(sealed)]).toString("base64url");
}

/** The token in a text, or `undefined` where it is none of this key. */
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
