/**
 * Caches one credential that must be renewed: a provider token or an OAuth2 access token.
 * Concurrent sends share one renewal, which starts before the old token ends and does not delay
 * them. Neither a refused token nor a failing endpoint causes more renewals than the floors allow.
 */

import type { Clock } from "../../core/clock.ts";

/** The result of a renewal. */
export type MintedToken<Failure> =
  | {
    readonly kind: "token";
    readonly value: string;
    readonly lifetimeMs: number;
    /** When its renewal begins; absent: at the margin. */
    readonly renewAfterMs?: number;
    /** Its age when it was requested. @default {0} */
    readonly ageMs?: number;
  }
  | { readonly kind: "failed"; readonly failure: Failure };

/** The current token, or why there is none. */
export type TokenResult<Failure> =
  | { readonly kind: "token"; readonly value: string }
  | { readonly kind: "failed"; readonly failure: Failure };

/** How tokens are made and renewed; all times in milliseconds. */
interface TokenCacheOptions<Failure> {
  /**
   * Creates a token other than `refused`. Expected failures are values; an exception reaches every
   * caller.
   */
  readonly mint: (refused: string | undefined) => Promise<MintedToken<Failure>>;
  readonly clock: Clock;
  /** How long before the end of a token its renewal begins. */
  readonly marginMs: number;
  /** A refused token younger than this is not replaced. */
  readonly minAgeMs: number;
  /** How long a failure is returned before the next attempt. */
  readonly backOffMs: number;
}

interface CurrentToken {
  readonly value: string;
  readonly lifetimeMs: number;
  readonly renewAfterMs: number;
  readonly ageMs: number;
  readonly since: Moment;
}

interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** A token that renews itself on demand. */
export class TokenCache<Failure> {
  readonly #options: TokenCacheOptions<Failure>;
  #current: CurrentToken | undefined;
  #failed: { readonly failure: Failure; readonly since: Moment } | undefined;
  #suspended: { readonly since: Moment; readonly forMs: number } | undefined;
  #renewal: Promise<TokenResult<Failure>> | undefined;
  #refused: string | undefined;

  constructor(options: TokenCacheOptions<Failure>) {
    this.#options = options;
  }

  /** Returns the current token. It waits for a renewal only where no valid token is left. */
  get(): TokenResult<Failure> | Promise<TokenResult<Failure>> {
    const current = this.#current;
    const age = current ? this.#age(current.since) : Infinity;
    if (current && age < current.lifetimeMs) {
      if (age >= current.renewAfterMs) this.#renewInBackground();
      return { kind: "token", value: current.value };
    }
    return this.#backingOff() ?? this.#renew();
  }

  /**
   * Drops a token that the provider refused, once for all sends that failed with it. False where
   * the token is too young to be replaced, so that the fault must lie elsewhere; true where the
   * next {@link get} returns another one.
   */
  invalidate(value: string): boolean {
    if (this.#current?.value !== value) return true;
    const age = this.#current.ageMs + this.#age(this.#current.since);
    if (age < this.#options.minAgeMs || this.#isSuspended()) return false;
    this.#current = undefined;
    this.#refused = value;
    return true;
  }

  /** Suspends renewals for this long, as long as the token is valid. */
  holdOff(forMs: number): void {
    this.#suspended = { since: this.#now(), forMs };
  }

  #renewInBackground(): void {
    // A failure is kept for the backoff; an exception appears once the old token has ended.
    if (!this.#backingOff() && !this.#isSuspended()) this.#renew().catch(() => {});
  }

  #renew(): Promise<TokenResult<Failure>> {
    this.#renewal ??= this.#mint().finally(() => this.#renewal = undefined);
    return this.#renewal;
  }

  async #mint(): Promise<TokenResult<Failure>> {
    // The lifetime counts from when the token was made, before it arrives.
    const since = this.#now();
    const minted = await this.#options.mint(this.#refused);
    if (minted.kind === "failed") {
      this.#failed = { failure: minted.failure, since: this.#now() };
      return minted;
    }
    this.#failed = undefined;
    this.#current = this.#currentFrom(minted, since);
    return { kind: "token", value: minted.value };
  }

  /** An endpoint that grants almost no lifetime must not be asked for every send. */
  #currentFrom(
    minted: Extract<MintedToken<Failure>, { kind: "token" }>,
    since: Moment,
  ): CurrentToken {
    const { marginMs, backOffMs } = this.#options;
    const lifetimeMs = Math.max(minted.lifetimeMs, backOffMs);
    const renewAfterMs = minted.renewAfterMs === undefined
      ? Math.max(lifetimeMs - marginMs, lifetimeMs / 2)
      : Math.max(minted.renewAfterMs, backOffMs / 2);
    return { value: minted.value, lifetimeMs, renewAfterMs, ageMs: minted.ageMs ?? 0, since };
  }

  #backingOff(): TokenResult<Failure> | undefined {
    if (!this.#failed || this.#age(this.#failed.since) >= this.#options.backOffMs) return undefined;
    return { kind: "failed", failure: this.#failed.failure };
  }

  #isSuspended(): boolean {
    return this.#suspended !== undefined &&
      this.#age(this.#suspended.since) < this.#suspended.forMs;
  }

  #now(): Moment {
    return { wall: this.#options.clock.now(), monotonic: this.#options.clock.monotonic() };
  }

  /** The monotonic clock may stop while the machine sleeps, and the wall clock may jump back. */
  #age({ wall, monotonic }: Moment): number {
    const { clock } = this.#options;
    return Math.max(clock.now() - wall, clock.monotonic() - monotonic);
  }
}
