/**
 * Heartbeats of all sockets from one timer. A sweep checks each socket's due time, where the
 * official code keeps one or two timers a socket (half a KiB). A heartbeat is late by at most a
 * hundredth of the ping timeout, and never early.
 */

import type { Clock, Timer } from "../core/clock.ts";

/** Something that has heartbeats. */
export interface HeartbeatTarget {
  /** Monotonic milliseconds at which {@link heartbeat} is due. */
  readonly heartbeatAt: number;
  /** Must set a later {@link heartbeatAt} or remove the target. */
  heartbeat(): void;
}

const MAX_SWEEP_MS = 1000;

/** A set of targets. The timer runs only while there are any. */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #all = new Set<HeartbeatTarget>();
  #timer: Timer | undefined;
  #sweepMs: number;

  constructor(clock: Clock, pingTimeoutMs: number) {
    this.#clock = clock;
    this.#sweepMs = sweepFor(pingTimeoutMs);
  }

  /** Changes the sweep interval for another ping timeout, from the next sweep on. */
  setPingTimeout(pingTimeoutMs: number): void {
    this.#sweepMs = sweepFor(pingTimeoutMs);
  }

  now(): number {
    return this.#clock.monotonic();
  }

  add(target: HeartbeatTarget): void {
    this.#all.add(target);
    this.#timer ??= this.#clock.after(this.#sweepMs, () => this.#sweep());
  }

  remove(target: HeartbeatTarget): void {
    this.#all.delete(target);
    if (this.#all.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #sweep(): void {
    this.#timer = undefined;
    const now = this.now();
    for (const target of this.#all) {
      if (target.heartbeatAt <= now) target.heartbeat();
    }
    if (this.#all.size > 0) {
      this.#timer = this.#clock.after(this.#sweepMs, () => this.#sweep());
    }
  }
}

function sweepFor(pingTimeoutMs: number): number {
  return Math.min(Math.max(1, Math.floor(pingTimeoutMs / 100)), MAX_SWEEP_MS);
}
