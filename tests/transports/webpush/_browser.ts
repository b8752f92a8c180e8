/** A browser's side of Web Push, written from the RFCs and independent of the code under test. */

import { isJsonObject, type JsonObject } from "../../../core/json.ts";

const P256 = { name: "ECDH", namedCurve: "P-256" };
const encoder = new TextEncoder();

/** A browser that has subscribed. */
export interface Browser {
  readonly p256dh: Uint8Array<ArrayBuffer>;
  readonly auth: Uint8Array<ArrayBuffer>;
  /** What the page hands to the service. */
  subscription(endpoint: string): { endpoint: string; keys: { p256dh: string; auth: string } };
  /** Decrypts a body in `aes128gcm`. Rejects where it is for another browser. */
  decrypt(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
  /** Decrypts a body whose plaintext is a JSON object. */
  read(body: Uint8Array<ArrayBuffer>): Promise<JsonObject>;
}

/** Bytes as base64url without padding. */
export function base64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The bytes of a text in base64url. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}

/** Creates the keys of a browser. */
export async function makeBrowser(): Promise<Browser> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(P256, true, ["deriveBits"]);
  const p256dh = new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  return browserOf({ p256dh, privateKey, auth: crypto.getRandomValues(new Uint8Array(16)) });
}

/** A browser with given keys. */
export function browserOf(
  { p256dh, privateKey, auth }: {
    readonly p256dh: Uint8Array<ArrayBuffer>;
    readonly privateKey: CryptoKey;
    readonly auth: Uint8Array<ArrayBuffer>;
  },
): Browser {
  async function decrypt(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const salt = body.slice(0, 16);
    const recordSize = new DataView(body.buffer, body.byteOffset).getUint32(16);
    const idLength = body[20]!;
    if (idLength !== 65) throw new Error(`Key id of ${idLength} bytes`);
    const sender = body.slice(21, 86);
    const sealed = body.slice(86);
    if (sealed.length > recordSize) throw new Error("More than one record");
    const point = await crypto.subtle.importKey("raw", sender, P256, false, []);
    const secret = await crypto.subtle.deriveBits({ name: "ECDH", public: point }, privateKey, 256);
    const info = Uint8Array.of(...encoder.encode("WebPush: info\0"), ...p256dh, ...sender);
    const ikm = await hkdf(new Uint8Array(secret), { salt: auth, info, bits: 256 });
    const contentInfo = (name: string) => encoder.encode(`Content-Encoding: ${name}\0`);
    const cek = await hkdf(ikm, { salt, info: contentInfo("aes128gcm"), bits: 128 });
    const iv = await hkdf(ikm, { salt, info: contentInfo("nonce"), bits: 96 });
    const key = await crypto.subtle.importKey("raw", cek, "AES-GCM", false, ["decrypt"]);
    const record = new Uint8Array(
      await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, sealed),
    );
    const delimiter = record.findLastIndex((byte) => byte !== 0);
    if (record[delimiter] !== 2) throw new Error("Not the last record");
    return record.subarray(0, delimiter);
  }
  return {
    p256dh,
    auth,
    subscription: (endpoint) => ({
      endpoint,
      keys: { p256dh: base64url(p256dh), auth: base64url(auth) },
    }),
    decrypt,
    async read(body) {
      const value: unknown = JSON.parse(new TextDecoder().decode(await decrypt(body)));
      if (!isJsonObject(value)) throw new Error("Not a JSON object");
      return value;
    },
  };
}

async function hkdf(
  ikm: Uint8Array<ArrayBuffer>,
  { salt, info, bits }: {
    readonly salt: Uint8Array<ArrayBuffer>;
    readonly info: Uint8Array<ArrayBuffer>;
    readonly bits: number;
  },
): Promise<Uint8Array<ArrayBuffer>> {
  const key = await crypto.subtle.importKey("raw", ikm, "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, bits));
}
