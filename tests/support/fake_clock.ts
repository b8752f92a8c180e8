/** A clock that only tests advance. */

import { setImmediate } from "node:timers";
import type { Clock, Timer } from "../../core/clock.ts";

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock for tests; wall-clock and monotonic time can be advanced separately. */
export class FakeClock implements Clock {
  #wall: number;
  #monotonic = 0;
  #order = 0;
  readonly #pending = new Set<Pending>();

  constructor(wallMs = Date.UTC(2026, 0, 1)) {
    this.#wall = wallMs;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry = { at: this.#monotonic + Math.max(0, delayMs), order: this.#order++, run };
    this.#pending.add(entry);
    return { cancel: () => void this.#pending.delete(entry) };
  }

  /** Number of timers that have not fired. */
  get timers(): number {
    return this.#pending.size;
  }

  /** Changes only the wall clock, as an operator or NTP does. */
  jump(deltaMs: number): void {
    this.#wall += deltaMs;
  }

  /** Advances time without firing timers, as if the process were busy. */
  holdUp(deltaMs: number): void {
    this.#moveTo(this.#monotonic + deltaMs);
  }

  /**
   * Lets time pass, firing what becomes due in order. Between two timers the event loop gets the
   * chance to run what they started.
   */
  async advance(deltaMs: number): Promise<void> {
    const end = this.#monotonic + deltaMs;
    await settle();
    for (;;) {
      const next = this.#nextUntil(end);
      if (!next) break;
      this.#moveTo(next.at);
      this.#pending.delete(next);
      next.run();
      await settle();
    }
    this.#moveTo(end);
    await settle();
  }

  #nextUntil(end: number): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (entry.at > end) continue;
      if (!best || entry.at < best.at || (entry.at === best.at && entry.order < best.order)) {
        best = entry;
      }
    }
    return best;
  }

  #moveTo(monotonic: number): void {
    const delta = Math.max(0, monotonic - this.#monotonic);
    this.#monotonic += delta;
    this.#wall += delta;
  }
}

/** Runs all pending callbacks. */
export async function settle(turns = 3): Promise<void> {
  for (let yieldToEventLoop = 0; yieldToEventLoop < turns; yieldToEventLoop++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}
