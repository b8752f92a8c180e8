/**
 * The browser's side of Web Push: decrypts a message (RFC 8291, in the one-record form of RFC
 * 8188). It shares no code with the sending side, so that each checks the other.
 */

import { createDecipheriv, createECDH, hkdfSync } from "node:crypto";
import { fromBase64url } from "./jwt.ts";

/** A browser's keys, base64url. */
export interface BrowserKeys {
  readonly publicKey: string;
  readonly privateKey: string;
  /** The 16 bytes of the authentication secret. */
  readonly auth: string;
}

const SALT_BYTES = 16;
const KEY_BYTES = 65;
const HEADER_BYTES = SALT_BYTES + 4 + 1 + KEY_BYTES;
const TAG_BYTES = 16;
/** The delimiter of the last record, before its padding. */
const LAST = 2;

/** Decrypts a body; `undefined` where it was encrypted for other keys or is malformed. */
export function openAes128gcm(body: Uint8Array, keys: BrowserKeys): Uint8Array | undefined {
  if (body.length < HEADER_BYTES + 1 + TAG_BYTES || body[20] !== KEY_BYTES) return undefined;
  const recordSize = new DataView(body.buffer, body.byteOffset).getUint32(SALT_BYTES);
  if (body.length - HEADER_BYTES > recordSize) return undefined;
  const salt = body.subarray(0, SALT_BYTES);
  const senderKey = body.slice(SALT_BYTES + 5, HEADER_BYTES);
  try {
    const { key, nonce } = derive(salt, senderKey, keys);
    const sealed = body.subarray(HEADER_BYTES, body.length - TAG_BYTES);
    const decipher = createDecipheriv("aes-128-gcm", key, nonce);
    decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
    const padded = new Uint8Array([...decipher.update(sealed), ...decipher.final()]);
    const end = padded.findLastIndex((byte) => byte !== 0);
    return padded[end] === LAST ? padded.subarray(0, end) : undefined;
  } catch {
    return undefined;
  }
}

function derive(salt: Uint8Array, senderKey: Uint8Array, keys: BrowserKeys) {
  const own = createECDH("prime256v1");
  own.setPrivateKey(fromBase64url(keys.privateKey));
  const shared = own.computeSecret(senderKey);
  const ownKey = fromBase64url(keys.publicKey);
  const input = hkdf(shared, fromBase64url(keys.auth), {
    info: [...bytes("WebPush: info\0"), ...ownKey, ...senderKey],
    length: 32,
  });
  return {
    key: hkdf(input, salt, { info: bytes("Content-Encoding: aes128gcm\0"), length: 16 }),
    nonce: hkdf(input, salt, { info: bytes("Content-Encoding: nonce\0"), length: 12 }),
  };
}

function hkdf(
  secret: Uint8Array,
  salt: Uint8Array,
  { info, length }: { readonly info: ArrayLike<number>; readonly length: number },
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, Uint8Array.from(info), length));
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
