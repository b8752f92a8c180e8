/**
 * Keeps one credential that has to be renewed: a provider token or an OAuth2 access token. However
 * many sends ask at once, one renewal is under way; it begins before the old token ends, without
 * holding up the sends; and neither a token that is refused nor an endpoint that is down makes it
 * renew more often than the floors allow.
 */

import type { Clock } from "../../core/clock.ts";

/** What a renewal came to. */
export type Minted<Failure> =
  | {
    readonly kind: "token";
    readonly value: string;
    readonly lifetimeMs: number;
    /** When its renewal begins, where the margin does not say that. */
    readonly renewAfterMs?: number;
    /** How old it was when it was asked for. @default {0} */
    readonly ageMs?: number;
  }
  | { readonly kind: "failed"; readonly failure: Failure };

/** What asking for the token came to. */
export type TokenAnswer<Failure> =
  | { readonly kind: "token"; readonly value: string }
  | { readonly kind: "failed"; readonly failure: Failure };

/** Settings of {@link TokenCache}; all times in milliseconds. */
export interface TokenCacheOptions<Failure> {
  /**
   * Gets a new token, which is not the one that was refused last. Expected failures are values;
   * what it throws reaches every caller.
   */
  readonly mint: (refused: string | undefined) => Promise<Minted<Failure>>;
  readonly clock: Clock;
  /** How long before a token's end its renewal begins. */
  readonly marginMs: number;
  /** A token younger than this is not replaced because it was refused. */
  readonly minAgeMs: number;
  /** After a failure, how long the same failure is answered before the next try. */
  readonly backOffMs: number;
}

interface Held {
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

/** A token that renews itself when it is asked for. */
export class TokenCache<Failure> {
  readonly #options: TokenCacheOptions<Failure>;
  #held: Held | undefined;
  #failed: { readonly failure: Failure; readonly since: Moment } | undefined;
  #heldOff: { readonly since: Moment; readonly forMs: number } | undefined;
  #renewal: Promise<TokenAnswer<Failure>> | undefined;
  #refused: string | undefined;

  constructor(options: TokenCacheOptions<Failure>) {
    this.#options = options;
  }

  /** The current token. Waits for a renewal only where there is none that still holds. */
  get(): TokenAnswer<Failure> | Promise<TokenAnswer<Failure>> {
    const held = this.#held;
    const age = held ? this.#age(held.since) : Infinity;
    if (held && age < held.lifetimeMs) {
      if (age >= held.renewAfterMs) this.#renewInBackground();
      return { kind: "token", value: held.value };
    }
    return this.#backingOff() ?? this.#renew();
  }

  /**
   * Tells that the far side refused a token. Only that token is dropped, so that many sends which
   * failed with it cause one renewal. False where it is too young to be replaced: the fault must
   * lie elsewhere. True where the next {@link get} gives another one.
   */
  invalidate(value: string): boolean {
    if (this.#held?.value !== value) return true;
    const age = this.#held.ageMs + this.#age(this.#held.since);
    if (age < this.#options.minAgeMs || this.#isHeldOff()) return false;
    this.#held = undefined;
    this.#refused = value;
    return true;
  }

  /** For this long, keeps a token that still holds rather than renewing it. */
  holdOff(forMs: number): void {
    this.#heldOff = { since: this.#now(), forMs };
  }

  #renewInBackground(): void {
    // A failure is kept for the back-off; an exception shows up once the old token has ended.
    if (!this.#backingOff() && !this.#isHeldOff()) this.#renew().catch(() => {});
  }

  #renew(): Promise<TokenAnswer<Failure>> {
    this.#renewal ??= this.#mint().finally(() => this.#renewal = undefined);
    return this.#renewal;
  }

  async #mint(): Promise<TokenAnswer<Failure>> {
    // A lifetime counts from when the token was made, which is some time before it arrives.
    const since = this.#now();
    const minted = await this.#options.mint(this.#refused);
    if (minted.kind === "failed") {
      this.#failed = { failure: minted.failure, since: this.#now() };
      return minted;
    }
    this.#failed = undefined;
    this.#held = this.#hold(minted, since);
    return { kind: "token", value: minted.value };
  }

  /** An endpoint that grants next to no lifetime must not be asked for every send. */
  #hold(minted: Extract<Minted<Failure>, { kind: "token" }>, since: Moment): Held {
    const { marginMs, backOffMs } = this.#options;
    const lifetimeMs = Math.max(minted.lifetimeMs, backOffMs);
    const renewAfterMs = minted.renewAfterMs === undefined
      ? Math.max(lifetimeMs - marginMs, lifetimeMs / 2)
      : Math.max(minted.renewAfterMs, backOffMs / 2);
    return { value: minted.value, lifetimeMs, renewAfterMs, ageMs: minted.ageMs ?? 0, since };
  }

  #backingOff(): TokenAnswer<Failure> | undefined {
    if (!this.#failed || this.#age(this.#failed.since) >= this.#options.backOffMs) return undefined;
    return { kind: "failed", failure: this.#failed.failure };
  }

  #isHeldOff(): boolean {
    return this.#heldOff !== undefined && this.#age(this.#heldOff.since) < this.#heldOff.forMs;
  }

  #now(): Moment {
    return { wall: this.#options.clock.now(), monotonic: this.#options.clock.monotonic() };
  }

  /** The monotonic clock may stand still while the machine sleeps, the wall clock may jump back. */
  #age(since: Moment): number {
    const { wall, monotonic } = this.#now();
    return Math.max(wall - since.wall, monotonic - since.monotonic);
  }
}
