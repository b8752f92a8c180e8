/** A token bucket: so many a second on average, and as many at once (but at least one). */

import type { Clock } from "../core/clock.ts";

/** Counts what passes. */
export class Rate {
  readonly #clock: Pick<Clock, "monotonic">;
  #perSecond: number;
  #tokens: number;
  #at: number;

  constructor(clock: Pick<Clock, "monotonic">, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#tokens = perSecond;
    this.#at = clock.monotonic();
  }

  set perSecond(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether one more may pass now. */
  take(): boolean {
    const now = this.#clock.monotonic();
    const gained = (now - this.#at) / 1000 * this.#perSecond;
    this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + gained);
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
