/** Decodes signed tokens and verifies their signature. Each provider's rules check the claims. */

import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { decodeJwt as claimsOf, decodeProtectedHeader as headerOf } from "jose";

/** A decoded token in compact form (RFC 7515 §7.1). Nothing is verified yet. */
interface Jwt {
  readonly header: ReturnType<typeof headerOf>;
  readonly claims: ReturnType<typeof claimsOf>;
  readonly signed: string;
  readonly signature: Uint8Array;
}

/** Decodes a token; `undefined` where it is invalid. */
export function decodeJwt(token: string): Jwt | undefined {
  const end = token.lastIndexOf(".");
  const signed = token.slice(0, end);
  try {
    const [header, claims] = [headerOf(token), claimsOf(token)];
    return { header, claims, signed, signature: fromBase64url(token.slice(end + 1)) };
  } catch {
    return undefined;
  }
}

/** Whether a token was signed with the matching private key; the key determines the algorithm. */
export function isSignedBy(jwt: Jwt, key: KeyObject): boolean {
  const data = new TextEncoder().encode(jwt.signed);
  if (key.asymmetricKeyType === "rsa") {
    return jwt.header.alg === "RS256" && verify("sha256", data, key, jwt.signature);
  }
  return jwt.header.alg === "ES256" && jwt.signature.length === 64 &&
    verify("sha256", data, { key, dsaEncoding: "ieee-p1363" }, jwt.signature);
}

/** Returns the public key of an uncompressed P-256 point, or `undefined` where it is invalid. */
export function pointKey(point: Uint8Array): KeyObject | undefined {
  if (point.length !== 65 || point[0] !== 4) return undefined;
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => toBase64url(part));
  try {
    return createPublicKey({ key: { kty: "EC", crv: "P-256", x: x!, y: y! }, format: "jwk" });
  } catch {
    return undefined;
  }
}

/**
 * Decodes base64url without padding.
 *
 * @throws {SyntaxError} for any other text.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text, { alphabet: "base64url" });
}

/** Encodes base64url without padding. */
export function toBase64url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
