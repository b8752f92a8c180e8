/**
 * Abort signals with a deadline, shared by operations that begin at about the same time. A timer, a
 * controller and a listener for each of ten thousand requests would cost as much as the requests, so
 * operations that begin within a sixteenth of their timeout get the same signal.
 */

import type { Clock, Timer } from "./clock.ts";

/** The deadline of one operation; the operation passes it to {@link Deadlines.end}. */
export interface Deadline {
  /** Aborts at the timeout, or up to a sixteenth of it earlier. */
  readonly signal: AbortSignal;
}

interface Slot extends Deadline {
  readonly timeoutMs: number;
  /** Monotonic milliseconds; operations that begin later get a new slot. */
  readonly joinableUntil: number;
  readonly timer: Timer;
  users: number;
}

const SHARES = 16;

/** Creates shared deadlines, with one timer for each slot that has operations in progress. */
export class Deadlines {
  readonly #clock: Clock;
  #current: Slot | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Returns the deadline of an operation that begins now and may take `timeoutMs`. `now` is for
   * callers that have just read the monotonic clock.
   */
  start(timeoutMs: number, now: number = this.#clock.monotonic()): Deadline {
    let slot = this.#current;
    if (!slot || slot.timeoutMs !== timeoutMs || now >= slot.joinableUntil) {
      slot = this.#current = this.#open(timeoutMs, now);
    }
    slot.users++;
    return slot;
  }

  /** Releases the deadline of an operation that has ended; once for each {@link start}. */
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
