/**
 * The ES256 token that proves to APNs who is sending ("Establishing a token-based connection to
 * APNs"): header exactly `alg` and `kid`, claims exactly `iss` and `iat`. Apple wants a new one no
 * more often than every 20 minutes, from all nodes together, and none that is older than an hour.
 */

import { type CryptoKey, SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import { OWN_TOKENS, type SharedToken, type SharedTokens } from "../../core/shared_tokens.ts";
import { createSharedMint, type Minted, TokenCache } from "../http/mod.ts";

/** What a provider token is made of. */
interface ProviderTokenOptions {
  /** A private P-256 key for signing. */
  readonly key: CryptoKey;
  readonly keyId: string;
  readonly teamId: string;
  /** What follows from the key, and from nothing else that is known. */
  readonly keyDigest: string;
  readonly clock: Clock;
  /** Where nodes share the token. Absent: this one makes its own. */
  readonly sharedTokens?: SharedTokens;
}

const MINUTE_MS = 60_000;
/** APNs refuses another token for this long. */
export const TOKEN_FLOOR_MS = 20 * MINUTE_MS;
/** `iat` is set back to such a boundary, so that processes which share a key agree on it. */
const BOUNDARY_MS = 30 * MINUTE_MS;
const RENEW_AFTER_MS = 45 * MINUTE_MS;
const MAX_AGE_MS = 59 * MINUTE_MS;
/** Leaves five minutes to the hour for clocks that differ. */
const MARGIN_MS = 4 * MINUTE_MS;

/** A token that renews itself between 25 and 45 minutes after it was made. */
export function createProviderToken(
  options: ProviderTokenOptions,
): TokenCache<never> {
  const { keyId, teamId, keyDigest, clock, sharedTokens = OWN_TOKENS } = options;
  return new TokenCache<never>({
    clock,
    marginMs: MARGIN_MS,
    minAgeMs: TOKEN_FLOOR_MS,
    backOffMs: 1000,
    mint: createSharedMint<never>({
      ...{ sharedTokens, clock, renewAt },
      name: `apn ${teamId} ${keyId}`,
      secret: keyDigest,
      mint: () => sign(options),
    }),
  });
}

async function sign({ key, keyId, teamId, clock }: ProviderTokenOptions): Promise<Minted<never>> {
  const now = clock.now();
  const issuedAt = now - now % BOUNDARY_MS;
  const value = await new SignJWT()
    .setProtectedHeader({ alg: "ES256", kid: keyId })
    .setIssuer(teamId)
    .setIssuedAt(issuedAt / 1000)
    .sign(key);
  return { kind: "token", value, lifetimeMs: issuedAt + MAX_AGE_MS - now };
}

function renewAt({ madeAt, expiresAt }: SharedToken): number {
  return Math.min(madeAt + RENEW_AFTER_MS, expiresAt - MARGIN_MS);
}
