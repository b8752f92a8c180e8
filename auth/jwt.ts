/**
 * Verifies JWTs of other issuers, signed with a shared secret (HS256) or with a key that the issuer
 * publishes (JWKS). It checks the signature and the claims; the authenticator checks revocation.
 */

import {
  createRemoteJWKSet,
  customFetch,
  decodeProtectedHeader,
  errors,
  type FetchImplementation,
  jwtVerify,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from "jose";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import { principalOf } from "./_claims.ts";

/** The sources of keys, of which at least one is needed, and the required claims. */
export interface JwtOptions {
  readonly clock: Pick<Clock, "now">;
  /** Shared secret, at least 32 bytes (RFC 7518 §3.2). */
  readonly secret?: string;
  /** URL of the issuer's JSON Web Key Set: `https:`, or `http:` on the loopback interface. */
  readonly jwksUrl?: string;
  readonly fetch: FetchImplementation;
  readonly issuer?: string;
  readonly audience?: string;
}

/**
 * Verifies one token; see {@link principalOf} for the result.
 *
 * @throws {ServiceError} `unauthenticated` with the reason, `store_unavailable` where the issuer's
 * keys cannot be fetched
 */
export type JwtVerifier = (token: string) => Promise<ReturnType<typeof principalOf>>;

/** The longest remaining validity of an accepted token. It bounds how long revocations are stored. */
export const MAX_JWT_LIFETIME_MS = 31 * 24 * 3_600_000;

/** The algorithms for published keys: with a symmetric one the public key would be the secret. */
const ASYMMETRIC = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];
/** Allowed clock skew. */
const LEEWAY_SECONDS = 30;
const MIN_SECRET_BYTES = 32;
const FETCH_TIMEOUT_MS = 5_000;

/**
 * Creates a verifier.
 *
 * @throws {ServiceError} `invalid_configuration`
 */
export function createJwtVerifier(options: JwtOptions): JwtVerifier {
  const shared = options.secret === undefined ? undefined : sharedKey(options.secret);
  const published = options.jwksUrl === undefined
    ? undefined
    : publishedKeys(options.jwksUrl, options.fetch);
  if (shared === undefined && published === undefined) {
    throw misconfigured("a shared secret or a JWKS address is needed");
  }
  const { clock, issuer, audience } = options;

  return async (token) => {
    // The source of the key decides which algorithms are accepted, never the token.
    const symmetric = algorithmOf(token) === "HS256";
    const key = symmetric ? shared : published;
    if (key === undefined) throw refused("its algorithm is not accepted here");
    const now = clock.now();
    const checks: JWTVerifyOptions = {
      algorithms: symmetric ? ["HS256"] : ASYMMETRIC,
      currentDate: new Date(now),
      clockTolerance: LEEWAY_SECONDS,
      requiredClaims: ["sub", "exp"],
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    };
    const { payload } = await jwtVerify(token, key, checks).catch((error) => {
      throw errorOf(error);
    });
    if (payload.exp! * 1000 > now + MAX_JWT_LIFETIME_MS) {
      throw refused("it is valid for more than 31 days");
    }
    return principalOf(payload, token);
  };
}

function errorOf(error: unknown): ServiceError {
  if (error instanceof errors.JWTExpired) return refused("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refused(`its claim '${error.claim}' is missing or not accepted`);
  }
  const unreachable = !(error instanceof errors.JOSEError) || error.code === "ERR_JOSE_GENERIC" ||
    error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid;
  if (!unreachable) return refused("its signature is not valid");
  return new ServiceError("store_unavailable", "Cannot fetch the keys of the tokens' issuer", {
    cause: error,
    retryAfterSeconds: 5,
  });
}

function algorithmOf(token: string): string | undefined {
  try {
    return decodeProtectedHeader(token).alg;
  } catch {
    throw refused("it is malformed");
  }
}

function sharedKey(secret: string): JWTVerifyGetKey {
  const bytes = new TextEncoder().encode(secret);
  if (bytes.byteLength >= MIN_SECRET_BYTES) return () => bytes;
  throw misconfigured(`the shared secret needs at least ${MIN_SECRET_BYTES} bytes`);
}

function publishedKeys(address: string, fetch: FetchImplementation): JWTVerifyGetKey {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const local = url?.protocol === "http:" &&
    ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url === undefined || (url.protocol !== "https:" && !local)) {
    throw misconfigured("the JWKS address must be an 'https:' URL");
  }
  return createRemoteJWKSet(url, { timeoutDuration: FETCH_TIMEOUT_MS, [customFetch]: fetch });
}

function refused(reason: string): ServiceError {
  return new ServiceError("unauthenticated", `Cannot accept the token: ${reason}`);
}

function misconfigured(reason: string): ServiceError {
  return new ServiceError("invalid_configuration", `Cannot check JWTs: ${reason}`);
}
