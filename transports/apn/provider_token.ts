/**
 * The ES256 token that authenticates the sender to APNs ("Establishing a token-based connection to
 * APNs"): header exactly `alg` and `kid`, claims exactly `iss` and `iat`. Apple allows a new one
 * every 20 minutes at most, over all nodes, and none older than an hour.
 */

import { SignJWT } from "jose";
import type { Clock } from "../../core/clock.ts";
import { OWN_TOKENS, type SharedToken, type SharedTokens } from "../../core/shared_tokens.ts";
import type { ApnTokenKey } from "./credentials.ts";
import { createSharedMint, type MintedToken, TokenCache } from "../http/mod.ts";

interface ProviderTokenOptions extends Omit<ApnTokenKey, "type"> {
  readonly clock: Clock;
  /** Where nodes share the token. Absent: this node creates its own. */
  readonly sharedTokens?: SharedTokens;
}

const MINUTE_MS = 60_000;
/** APNs refuses another token for this long. */
export const TOKEN_FLOOR_MS = 20 * MINUTE_MS;
/** `iat` is rounded down to a multiple of this, so that processes with the same key agree. */
const BOUNDARY_MS = 30 * MINUTE_MS;
const RENEW_AFTER_MS = 45 * MINUTE_MS;
const MAX_AGE_MS = 59 * MINUTE_MS;
/** Leaves five minutes before the hour for clocks that differ. */
const MARGIN_MS = 4 * MINUTE_MS;

/** Creates a token that renews itself 25 to 45 minutes after it was made. */
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

async function sign(
  { key, keyId, teamId, clock }: ProviderTokenOptions,
): Promise<MintedToken<never>> {
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
