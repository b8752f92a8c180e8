/** Access tokens that a fake token endpoint has given out, and until when they hold. */

/** A bounded book of bearer tokens. */
export interface AccessTokens {
  /** A new token. */
  issue(): string;
  /** Whether an `Authorization` header carries a token that still holds. */
  accepts(authorization: string | undefined): boolean;
  /** Makes every token given out so far invalid, as a provider may at any time. */
  revoke(): void;
}

/** Settings of {@link createAccessTokens}. */
interface AccessTokensOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly lifetimeSeconds: number;
}

/** The oldest is forgotten first. */
const MAX_TOKENS = 10_000;

/** An empty book. */
export function createAccessTokens(options: AccessTokensOptions): AccessTokens {
  const { now, lifetimeSeconds } = options;
  const until = new Map<string, number>();
  return {
    issue() {
      const oldest = until.size >= MAX_TOKENS ? until.keys().next().value : undefined;
      if (oldest !== undefined) until.delete(oldest);
      const token = `sim.${crypto.getRandomValues(new Uint8Array(32)).toHex()}`;
      until.set(token, now() + lifetimeSeconds * 1000);
      return token;
    },
    accepts(authorization) {
      const [, token] = /^bearer (\S+)$/i.exec(authorization ?? "") ?? [];
      return token !== undefined && (until.get(token) ?? 0) > now();
    },
    revoke: () => until.clear(),
  };
}
