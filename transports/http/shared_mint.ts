/**
 * Gets a token from what the nodes share, or makes it for all of them. What is shared has to last
 * for as long as one of this node's own would before its renewal begins, so that of several nodes
 * the first to renew does it for the others.
 */

import type { Clock } from "../../core/clock.ts";
import type { SharedToken, SharedTokens } from "../../core/shared_tokens.ts";
import type { Minted } from "./token_cache.ts";

/** How a token is shared. */
export interface SharedMintOptions<Failure> {
  readonly sharedTokens: SharedTokens;
  /** What it is for, the same on all nodes; not secret. */
  readonly name: string;
  /** What only holders of the credential know. */
  readonly secret: string;
  readonly clock: Pick<Clock, "now">;
  /** When the renewal of a token begins, in epoch milliseconds. */
  readonly renewAt: (token: SharedToken) => number;
  /** Makes a token. */
  readonly mint: () => Promise<Minted<Failure>>;
}

/** The function by which a `TokenCache` gets its tokens. */
export function createSharedMint<Failure>(
  { sharedTokens, name, secret, clock, renewAt, mint }: SharedMintOptions<Failure>,
): (refused: string | undefined) => Promise<Minted<Failure>> {
  return async (refused) => {
    const askedAt = clock.now();
    let own: Minted<Failure> | undefined;
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
    // Only what this node tried to make itself can have failed.
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

/** A time before the end of a token, or half of its life where that is short. */
export function renewalTime(
  { madeAt, expiresAt }: SharedToken,
  { marginMs }: { readonly marginMs: number },
): number {
  return Math.max(expiresAt - marginMs, (madeAt + expiresAt) / 2);
}
