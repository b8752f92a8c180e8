/**
 * Message encryption for Web Push (RFC 8291) in the `aes128gcm` content coding (RFC 8188), on
 * WebCrypto. Always one record, never padded: Firefox on phones takes little more than half of what
 * the RFC allows.
 */

import { ECDH_P256, type KeyPair, makeEphemeralKey } from "./_ephemeral_key.ts";

/** The keys of a subscription. */
export interface ReceiverKeys {
  /** The browser's public key: 65 bytes. */
  readonly p256dh: Uint8Array<ArrayBuffer>;
  /** The secret shared with the browser: 16 bytes. */
  readonly auth: Uint8Array<ArrayBuffer>;
}

/** What is random in a message; given only to reproduce one. */
export interface EncryptionChoices {
  /** 16 bytes. */
  readonly salt?: Uint8Array<ArrayBuffer>;
  readonly sender?: KeyPair;
}

/** Bytes of the largest body that every push service takes (RFC 8030 §7.2). */
export const MAX_BODY_BYTES = 4096;
const SALT_BYTES = 16;
const POINT_BYTES = 65;
const HEADER_BYTES = SALT_BYTES + 4 + 1 + POINT_BYTES;
const TAG_BYTES = 16;
/** Bytes of the largest plaintext; the delimiter takes one more. */
export const MAX_PLAINTEXT_BYTES = MAX_BODY_BYTES - HEADER_BYTES - 1 - TAG_BYTES;
/** RFC 8188 §2: delimiter of the last record. */
const LAST_RECORD = 2;

const encoder = new TextEncoder();
const KEY_INFO = encoder.encode("WebPush: info\0");
const CEK_INFO = encoder.encode("Content-Encoding: aes128gcm\0");
const NONCE_INFO = encoder.encode("Content-Encoding: nonce\0");
const AES = { name: "AES-GCM", length: 128 };

/**
 * The body of a push request.
 *
 * @throws {RangeError} for a plaintext of more than {@link MAX_PLAINTEXT_BYTES}.
 */
export async function encrypt(
  plaintext: Uint8Array,
  { p256dh, auth }: ReceiverKeys,
  choices: EncryptionChoices = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new RangeError(`Cannot encrypt ${plaintext.length} bytes: more than one record holds`);
  }
  const { subtle } = crypto;
  const salt = choices.salt ?? crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const sender = choices.sender ?? await makeEphemeralKey();
  const receiver = await subtle.importKey("raw", p256dh, ECDH_P256, false, []);
  const ecdh = { name: "ECDH", public: receiver };
  const shared = await hkdfKey(await subtle.deriveBits(ecdh, sender.privateKey, 256));
  const info = concat([KEY_INFO, p256dh, sender.publicKey]);
  const material = await hkdfKey(await subtle.deriveBits(hkdf(auth, info), shared, 256));
  const [key, iv] = await Promise.all([
    subtle.deriveKey(hkdf(salt, CEK_INFO), material, AES, false, ["encrypt"]),
    subtle.deriveBits(hkdf(salt, NONCE_INFO), material, 96),
  ]);
  const record = concat([plaintext, Uint8Array.of(LAST_RECORD)]);
  const sealed = await subtle.encrypt({ name: "AES-GCM", iv }, key, record);
  return concat([header(salt, sender.publicKey), new Uint8Array(sealed)]);
}

function hkdfKey(bits: ArrayBuffer): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bits, "HKDF", false, ["deriveBits", "deriveKey"]);
}

function hkdf(salt: Uint8Array<ArrayBuffer>, info: Uint8Array<ArrayBuffer>): HkdfParams {
  return { name: "HKDF", hash: "SHA-256", salt, info };
}

/** RFC 8188 §2.1: salt, record size, length of the key id, key id. */
function header(salt: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const sizes = Uint8Array.of(0, 0, MAX_BODY_BYTES >> 8, MAX_BODY_BYTES & 255, POINT_BYTES);
  return concat([salt, sizes, publicKey]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
