/**
 * Abort signals with a deadline that many operations share. A timer, a controller and a listener for
 * each of ten thousand requests cost as much as the requests; operations that begin within a
 * sixteenth of the time they have get the same signal.
 */

import type { Clock, Timer } from "./clock.ts";

/** A deadline that somebody waits for. To be handed back to {@link Deadlines.end}. */
export interface Deadline {
  /** Aborted when the time is over: no later than asked for, and at most a sixteenth earlier. */
  readonly signal: AbortSignal;
}

interface Slot extends Deadline {
  readonly timeoutMs: number;
  /** Monotonic milliseconds from which on operations get another slot. */
  readonly joinableUntil: number;
  readonly timer: Timer;
  users: number;
}

const SHARES = 16;

/** Hands out deadlines. Has one timer per slot of time with an operation under way, else none. */
export class Deadlines {
  readonly #clock: Clock;
  #current: Slot | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** For an operation that begins now and may take `timeoutMs`. */
  start(timeoutMs: number): Deadline {
    const now = this.#clock.monotonic();
    let slot = this.#current;
    if (!slot || slot.timeoutMs !== timeoutMs || now >= slot.joinableUntil) {
      slot = this.#current = this.#open(timeoutMs, now);
    }
    slot.users++;
    return slot;
  }

  /** The operation has ended, in time or not. To be called once for each {@link start}. */
  end(deadline: Deadline): void {
    const slot = deadline as Slot;
    if (--slot.users > 0) return;
    slot.timer.cancel();
    if (this.#current === slot) this.#current = undefined;
  }

  #open(timeoutMs: number, now: number): Slot {
    const abort = new AbortController();
    return {
      signal: abort.signal,
      timeoutMs,
      joinableUntil: now + timeoutMs / SHARES,
      timer: this.#clock.after(timeoutMs, () => abort.abort()),
      users: 0,
    };
  }
}
