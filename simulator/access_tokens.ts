/** Access tokens that a fake token endpoint has issued, and their expiry. */

import { setNewest } from "../core/bounded_map.ts";

/** A bounded set of bearer tokens. */
export interface AccessTokens {
  /** Issues a new token. */
  issue(): string;
  /** Whether an `Authorization` header contains a valid token. */
  accepts(authorization: string | undefined): boolean;
  /** Invalidates every issued token, as a provider may at any time. */
  revoke(): void;
}

interface AccessTokensOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly lifetimeSeconds: number;
}

/** The oldest is dropped first. */
const MAX_TOKENS = 10_000;

/** Creates an empty set. */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { now, lifetimeSeconds } = options;
  const until = new Map<string, number>();
  return {
    issue() {
      const token = `sim.${crypto.getRandomValues(new Uint8Array(32)).toHex()}`;
      setNewest(until, token, { value: now() + lifetimeSeconds * 1000, max: MAX_TOKENS });
      return token;
    },
    accepts(authorization) {
      const [, token] = /^bearer (\S+)$/i.exec(authorization ?? "") ?? [];
      return token !== undefined && (until.get(token) ?? 0) > now();
    },
    revoke: () => until.clear(),
  };
}
