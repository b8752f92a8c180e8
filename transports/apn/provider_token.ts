/**
 * The ES256 token that proves to APNs who is sending ("Establishing a token-based connection to
 * APNs"): header exactly `alg` and `kid`, claims exactly `iss` and `iat`. Apple wants a new one no
 * more often than every 20 minutes, and none that is older than an hour.
 */

import { type CryptoKey, SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import { TokenCache } from "../http/mod.ts";

/** What a provider token is made of. */
export interface ProviderTokenOptions {
  /** A private P-256 key for signing. */
  readonly key: CryptoKey;
  readonly keyId: string;
  readonly teamId: string;
  readonly clock: Clock;
}

const MINUTE_MS = 60_000;
/** APNs refuses another token for this long. */
export const TOKEN_FLOOR_MS = 20 * MINUTE_MS;
/** `iat` is set back to such a boundary, so that processes which share a key agree on it. */
const BOUNDARY_MS = 30 * MINUTE_MS;
const RENEW_AFTER_MS = 45 * MINUTE_MS;
/** Leaves five minutes to the hour for clocks that differ. */
const RENEW_AT_AGE_MS = 55 * MINUTE_MS;
const MAX_AGE_MS = 59 * MINUTE_MS;

/** A token that renews itself between 25 and 45 minutes after it was made. */
export function createProviderToken(
  { key, keyId, teamId, clock }: ProviderTokenOptions,
): TokenCache<never> {
  return new TokenCache<never>({
    clock,
    marginMs: MAX_AGE_MS - RENEW_AT_AGE_MS,
    minAgeMs: TOKEN_FLOOR_MS,
    backOffMs: 1000,
    async mint() {
      const now = clock.now();
      const issuedAt = now - now % BOUNDARY_MS;
      const age = now - issuedAt;
      const value = await new SignJWT()
        .setProtectedHeader({ alg: "ES256", kid: keyId })
        .setIssuer(teamId)
        .setIssuedAt(issuedAt / 1000)
        .sign(key);
      return {
        kind: "token",
        value,
        lifetimeMs: MAX_AGE_MS - age,
        renewAfterMs: Math.min(RENEW_AFTER_MS, RENEW_AT_AGE_MS - age),
      };
    },
  });
}
