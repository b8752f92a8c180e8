/**
 * Authenticates the sender to a push service (RFC 8292): one signed token per key and origin,
 * reused for half of its 12 hours. Signing costs as much as encrypting, and Apple asks for at most
 * one new token an hour.
 */

import { SignJWT } from "jose";
import { setNewest } from "../../core/bounded_map.ts";
import type { Clock } from "../../core/clock.ts";
import { TokenCache, type TokenResult } from "../http/mod.ts";
import { decodeBase64url, encodeBase64url } from "./_base64url.ts";

/** A validated key pair. */
export interface VapidKey {
  /** Base64url without padding, as in a subscription's `applicationServerKey`. */
  readonly publicKey: string;
  readonly privateKey: CryptoKey;
}

interface VapidSignerOptions {
  readonly key: VapidKey;
  /** `mailto:` or `https:` address of the operator. */
  readonly subject: string;
  readonly clock: Clock;
}

const HOUR_MS = 3_600_000;
const LIFETIME_MS = 12 * HOUR_MS;
/** An operator's own hosts and "any public host" allow any number of origins. */
const MAX_ORIGINS = 1000;
const ES256 = { name: "ECDSA", hash: "SHA-256" };
const ECDSA_P256 = { name: "ECDSA", namedCurve: "P-256" };

/** Signs for one key. */
export class VapidSigner {
  readonly publicKey: string;
  readonly #options: VapidSignerOptions;
  /** Least recently used first. */
  readonly #origins = new Map<string, TokenCache<never>>();

  constructor(options: VapidSignerOptions) {
    this.#options = options;
    this.publicKey = options.key.publicKey;
  }

  /** Returns the `Authorization` header for a push service. */
  async authorization(origin: string): Promise<string> {
    const answer: TokenResult<never> = await this.#cacheOf(origin).get();
    // The failure type is `never`, so the answer is a token.
    return (answer as Extract<TokenResult<never>, { kind: "token" }>).value;
  }

  /** Drops a refused header. False where it is too young for another one to help. */
  invalidate(origin: string, authorization: string): boolean {
    return this.#cacheOf(origin).invalidate(authorization);
  }

  #cacheOf(origin: string): TokenCache<never> {
    const cache = this.#origins.get(origin) ?? new TokenCache<never>({
      mint: async () => ({
        kind: "token",
        value: await this.#sign(origin),
        lifetimeMs: LIFETIME_MS,
      }),
      clock: this.#options.clock,
      marginMs: LIFETIME_MS / 2,
      minAgeMs: HOUR_MS,
      backOffMs: 0,
    });
    setNewest(this.#origins, origin, { value: cache, max: MAX_ORIGINS });
    return cache;
  }

  async #sign(origin: string): Promise<string> {
    const { key, subject, clock } = this.#options;
    const jwt = await new SignJWT()
      .setProtectedHeader({ typ: "JWT", alg: "ES256" })
      .setAudience(origin)
      .setSubject(subject)
      .setExpirationTime(Math.floor((clock.now() + LIFETIME_MS) / 1000))
      .sign(key.privateKey);
    return `vapid t=${jwt}, k=${key.publicKey}`;
  }
}

/** Creates a key pair in base64url, the form of the options file. */
export async function makeVapidKeys(): Promise<{
  readonly publickey: string;
  readonly privatekey: string;
}> {
  const { publicKey, privateKey } = await crypto.subtle.generateKey(
    ECDSA_P256,
    true,
    ["sign", "verify"],
  );
  const point = await crypto.subtle.exportKey("raw", publicKey);
  const { d } = await crypto.subtle.exportKey("jwk", privateKey);
  return { publickey: encodeBase64url(new Uint8Array(point)), privatekey: d! };
}

/** Imports a key pair from base64url; `undefined` where the halves do not match. */
export async function importVapidKey(
  publickey: string,
  privatekey: string,
): Promise<VapidKey | undefined> {
  const point = decodeBase64url(publickey);
  const number = decodeBase64url(privatekey);
  if (point?.length !== 65 || number?.length !== 32) return undefined;
  try {
    const privateKey = await crypto.subtle.importKey(
      "jwk",
      {
        kty: "EC",
        crv: "P-256",
        d: encodeBase64url(number),
        x: encodeBase64url(point.subarray(1, 33)),
        y: encodeBase64url(point.subarray(33)),
      },
      ECDSA_P256,
      false,
      ["sign"],
    );
    const publicKey = await crypto.subtle.importKey("raw", point, ECDSA_P256, false, ["verify"]);
    const proof = await crypto.subtle.sign(ES256, privateKey, point);
    const matches = await crypto.subtle.verify(ES256, publicKey, proof, point);
    return matches ? { publicKey: encodeBase64url(point), privateKey } : undefined;
  } catch {
    // Each step throws where the halves differ.
    return undefined;
  }
}
