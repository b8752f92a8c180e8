/** Access tokens that a fake token endpoint has issued, and their expiry. */

import { setNewest } from "../core/bounded_map.ts";

interface IssuedTokensOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly lifetimeSeconds: number;
}

/** The oldest is dropped first. */
const MAX_TOKENS = 10_000;

/** A bounded set of bearer tokens. */
export class IssuedTokens {
  readonly lifetimeSeconds: number;
  readonly #now: () => number;
  readonly #until = new Map<string, number>();

  constructor({ now, lifetimeSeconds }: IssuedTokensOptions) {
    this.lifetimeSeconds = lifetimeSeconds;
    this.#now = now;
  }

  /** Issues a new token. */
  issue(): string {
    const token = `sim.${crypto.getRandomValues(new Uint8Array(32)).toHex()}`;
    const value = this.#now() + this.lifetimeSeconds * 1000;
    setNewest(this.#until, token, { value, max: MAX_TOKENS });
    return token;
  }

  /** Whether an `Authorization` header contains a valid token. */
  accepts(authorization: string | undefined): boolean {
    const [, token] = /^bearer (\S+)$/i.exec(authorization ?? "") ?? [];
    return token !== undefined && (this.#until.get(token) ?? 0) > this.#now();
  }

  /** Invalidates every issued token, as a provider may at any time. */
  revoke(): void {
    this.#until.clear();
  }
}
