/**
 * Encrypts messages for Web Push (RFC 8291) in the `aes128gcm` content coding (RFC 8188). Always
 * one record, never padded: Firefox on phones takes little more than half of what the RFC allows.
 * WebCrypto does the key agreement on other threads; steps of a few microseconds run here
 * (`docs/decisions/web_push_crypto.md` has the numbers).
 */

import { createCipheriv, hkdfSync } from "node:crypto";
import { ECDH_P256, type KeyPair, makeEphemeralKey } from "./_ephemeral_key.ts";

/** The keys of a subscription. */
export interface ReceiverKeys {
  /** The browser's public key: 65 bytes. */
  readonly p256dh: Uint8Array<ArrayBuffer>;
  /** The secret shared with the browser: 16 bytes. */
  readonly auth: Uint8Array<ArrayBuffer>;
}

/** The random parts of a message; set only to reproduce one. */
interface EncryptionChoices {
  /** 16 bytes. */
  readonly salt?: Uint8Array<ArrayBuffer>;
  readonly sender?: KeyPair;
}

/** Bytes of the largest body that every push service takes (RFC 8030 §7.2). */
export const WEBPUSH_MAX_BYTES = 4096;
const SALT_BYTES = 16;
const POINT_BYTES = 65;
const HEADER_BYTES = SALT_BYTES + 4 + 1 + POINT_BYTES;
const TAG_BYTES = 16;
/** Bytes of the largest plaintext; the delimiter takes one more. */
export const MAX_PLAINTEXT_BYTES = WEBPUSH_MAX_BYTES - HEADER_BYTES - 1 - TAG_BYTES;
/** The delimiter of the last record (RFC 8188 §2). */
const DELIMITER = Uint8Array.of(2);

const encoder = new TextEncoder();
const KEY_INFO = encoder.encode("WebPush: info\0");
const CEK_INFO = encoder.encode("Content-Encoding: aes128gcm\0");
const NONCE_INFO = encoder.encode("Content-Encoding: nonce\0");

/**
 * Returns the body of a push request.
 *
 * @throws {RangeError} for a plaintext of more than {@link MAX_PLAINTEXT_BYTES}.
 */
export async function encrypt(
  plaintext: Uint8Array,
  { p256dh, auth }: ReceiverKeys,
  choices: EncryptionChoices = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (plaintext.length > MAX_PLAINTEXT_BYTES) {
    throw new RangeError(
      `Cannot encrypt ${plaintext.length} bytes: it does not fit into one record`,
    );
  }
  const { subtle } = crypto;
  const salt = choices.salt ?? crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const [sender, receiver] = await Promise.all([
    choices.sender ?? makeEphemeralKey(),
    subtle.importKey("raw", p256dh, ECDH_P256, false, []),
  ]);
  const ecdh = { name: "ECDH", public: receiver };
  const shared = new Uint8Array(await subtle.deriveBits(ecdh, sender.privateKey, 256));
  const info = concat([KEY_INFO, p256dh, sender.publicKey]);
  const material = hkdf(shared, { salt: auth, info, length: 32 });
  const key = hkdf(material, { salt, info: CEK_INFO, length: 16 });
  const iv = hkdf(material, { salt, info: NONCE_INFO, length: 12 });
  const cipher = createCipheriv("aes-128-gcm", key, iv);
  return concat([
    header(salt, sender.publicKey),
    cipher.update(concat([plaintext, DELIMITER])),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function hkdf(
  secret: Uint8Array,
  { salt, info, length }: {
    readonly salt: Uint8Array;
    readonly info: Uint8Array;
    /** Bytes. */
    readonly length: number;
  },
): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, salt, info, length));
}

/** RFC 8188 §2.1: salt, record size, length of the key id, key id. */
function header(salt: Uint8Array, publicKey: Uint8Array): Uint8Array {
  const sizes = Uint8Array.of(0, 0, WEBPUSH_MAX_BYTES >> 8, WEBPUSH_MAX_BYTES & 255, POINT_BYTES);
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
