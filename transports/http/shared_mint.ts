/**
 * Gets a token that nodes share, or creates it for all of them. A shared token must last as long as
 * one of this node's own would before its renewal, so that the first node to renew does it for all.
 */

import type { Clock } from "../../core/clock.ts";
import type { SharedToken, SharedTokens } from "../../core/shared_tokens.ts";
import type { MintedToken } from "./token_cache.ts";

interface SharedMintOptions<Failure> {
  readonly sharedTokens: SharedTokens;
  /** What the token is for, equal on all nodes; not secret. */
  readonly name: string;
  /** A secret that only holders of the credential know. */
  readonly secret: string;
  readonly clock: Pick<Clock, "now">;
  /** When the renewal of a token begins, in epoch milliseconds. */
  readonly renewAt: (token: SharedToken) => number;
  readonly mint: () => Promise<MintedToken<Failure>>;
}

/** Creates the function through which a `TokenCache` gets its tokens. */
export function createSharedMint<Failure>(
  { sharedTokens, name, secret, clock, renewAt, mint }: SharedMintOptions<Failure>,
): (refused: string | undefined) => Promise<MintedToken<Failure>> {
  return async (refused) => {
    const askedAt = clock.now();
    let own: MintedToken<Failure> | undefined;
    const token = await sharedTokens.get(name, {
      secret,
      usable: (found) => found.value !== refused && renewAt(found) > clock.now(),
      async make() {
        const madeAt = clock.now();
        own = await mint();
        if (own.kind === "failed") return undefined;
        return { value: own.value, madeAt, expiresAt: madeAt + own.lifetimeMs };
      },
    });
    // Only this node's own attempt can have failed.
    if (token === undefined) return own!;
    return {
      kind: "token",
      value: token.value,
      lifetimeMs: token.expiresAt - askedAt,
      renewAfterMs: renewAt(token) - askedAt,
      ageMs: Math.max(0, askedAt - token.madeAt),
    };
  };
}

/** Returns the end of a token minus a margin, or half of its lifetime where that is later. */
export function renewalTime(
  { madeAt, expiresAt }: SharedToken,
  { marginMs }: { readonly marginMs: number },
): number {
  return Math.max(expiresAt - marginMs, (madeAt + expiresAt) / 2);
}
