/**
 * The heartbeats of every socket from one timer: a sweep looks at each socket's due time, where
 * the official code keeps one or two timers a socket (half a KiB). A heartbeat comes late by at
 * most a hundredth of the ping timeout, never early.
 */

import type { Clock, Timer } from "../core/clock.ts";

/** Something with a next heartbeat. */
export interface HeartbeatTarget {
  /** Monotonic milliseconds at which {@link heartbeat} is to be called. */
  readonly heartbeatAt: number;
  /** Must move {@link heartbeatAt} on or take itself off. */
  heartbeat(): void;
}

const MAX_SWEEP_MS = 1000;

/** A set of beating things. The timer runs only while there are any. */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #all = new Set<HeartbeatTarget>();
  #timer: Timer | undefined;
  #sweepMs: number;

  constructor(clock: Clock, pingTimeoutMs: number) {
    this.#clock = clock;
    this.#sweepMs = sweepFor(pingTimeoutMs);
  }

  /** Adapts the grain to another ping timeout, from the next sweep on. */
  setPingTimeout(pingTimeoutMs: number): void {
    this.#sweepMs = sweepFor(pingTimeoutMs);
  }

  now(): number {
    return this.#clock.monotonic();
  }

  add(beating: HeartbeatTarget): void {
    this.#all.add(beating);
    this.#timer ??= this.#clock.after(this.#sweepMs, () => this.#sweep());
  }

  remove(beating: HeartbeatTarget): void {
    this.#all.delete(beating);
    if (this.#all.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.now();
    for (const beating of this.#all) {
      if (beating.heartbeatAt <= now) beating.heartbeat();
    }
    if (this.#all.size > 0) {
      this.#timer = this.#clock.after(this.#sweepMs, () => this.#sweep());
    }
  }
}

function sweepFor(pingTimeoutMs: number): number {
  return Math.min(Math.max(1, Math.floor(pingTimeoutMs / 100)), MAX_SWEEP_MS);
}
