/** One timer for many wishes: it fires at the earliest time that anybody asked for, once. */

import type { Clock, Timer } from "../core/clock.ts";

/** See the file's comment. */
export class WakeUp {
  readonly #clock: Clock;
  readonly #run: () => void;
  #timer: Timer | undefined;
  /** Monotonic milliseconds. */
  #at = Infinity;

  constructor(clock: Clock, run: () => void) {
    this.#clock = clock;
    this.#run = run;
  }

  /** Wakes up within so many milliseconds from now. */
  within(ms: number): void {
    const at = this.#clock.monotonic() + ms;
    if (at >= this.#at) return;
    this.cancel();
    this.#at = at;
    this.#timer = this.#clock.after(ms, () => {
      this.#timer = undefined;
      this.#at = Infinity;
      this.#run();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#at = Infinity;
  }
}
