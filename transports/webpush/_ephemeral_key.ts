/**
 * Creates the ECDH key pair of one message (RFC 8291 §3.1), the fast way. Deno recomputes a public
 * key whenever it exports or uses one, at the cost of a second key agreement; the PKCS#8 form of a
 * fresh key already contains it. `docs/decisions/web_push_crypto.md` has the numbers.
 */

/** One side of a key agreement. */
export interface KeyPair {
  /** The uncompressed point: 65 bytes. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly privateKey: CryptoKey;
}

/** The algorithm of the key agreement, for WebCrypto. */
export const ECDH_P256 = { name: "ECDH", namedCurve: "P-256" };

/** PKCS#8 of a P-256 key as WebCrypto exports it: this, the number, then the public key. */
const WITH_PUBLIC_KEY = Uint8Array.fromHex(
  "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420",
);
const BETWEEN = Uint8Array.fromHex("a144034200");
/** The same without the optional public key (RFC 5915 §3), followed by the number. */
const WITHOUT_PUBLIC_KEY = Uint8Array.fromHex(
  "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420",
);
const NUMBER_AT = WITH_PUBLIC_KEY.length;
const BETWEEN_AT = NUMBER_AT + 32;
const POINT_AT = BETWEEN_AT + BETWEEN.length;

/** Creates a key pair for one message. */
export async function makeEphemeralKey(): Promise<KeyPair> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(
    ECDH_P256,
    true,
    ["deriveBits"],
  );
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  if (!isExpected(pkcs8)) {
    return {
      publicKey: new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)),
      privateKey,
    };
  }
  const short = new Uint8Array(WITHOUT_PUBLIC_KEY.length + 32);
  short.set(WITHOUT_PUBLIC_KEY);
  short.set(pkcs8.subarray(NUMBER_AT, BETWEEN_AT), WITHOUT_PUBLIC_KEY.length);
  return {
    publicKey: pkcs8.subarray(POINT_AT),
    privateKey: await crypto.subtle.importKey("pkcs8", short, ECDH_P256, false, ["deriveBits"]),
  };
}

/** DER has only one encoding for this; another runtime may still omit the public key. */
function isExpected(pkcs8: Uint8Array): boolean {
  return pkcs8.length === POINT_AT + 65 &&
    WITH_PUBLIC_KEY.every((byte, index) => pkcs8[index] === byte) &&
    BETWEEN.every((byte, index) => pkcs8[BETWEEN_AT + index] === byte);
}
