/**
 * Heartbeats of all sockets from one timer. It visits them in rounds and checks their due times,
 * where the official code keeps one or two timers a socket (half a KiB). A heartbeat is late by at
 * most a hundredth of the ping timeout, and never early. A round comes in small parts: pings that
 * are sent at once are answered at once, and events would wait for all of them on both sides.
 */

import type { Clock, Timer } from "../core/clock.ts";

/** Something that has heartbeats. */
export interface HeartbeatTarget {
  /** Monotonic milliseconds at which {@link heartbeat} is due. */
  readonly heartbeatAt: number;
  /** Must set a later {@link heartbeatAt} or remove the target. */
  heartbeat(): void;
}

const MAX_ROUND_MS = 1000;
/** Milliseconds between two parts of a round. */
const PART_MS = 25;

/** A set of targets. The timer runs only while there are any. */
export class Heartbeats {
  readonly #clock: Clock;
  readonly #all = new Set<HeartbeatTarget>();
  /** Those that the present round has not visited. */
  #rest = this.#all.values();
  #timer: Timer | undefined;
  #roundMs: number;

  constructor(clock: Clock, pingTimeoutMs: number) {
    this.#clock = clock;
    this.#roundMs = roundFor(pingTimeoutMs);
  }

  /** Changes the time of a round for another ping timeout, from now on. */
  setPingTimeout(pingTimeoutMs: number): void {
    this.#roundMs = roundFor(pingTimeoutMs);
  }

  now(): number {
    return this.#clock.monotonic();
  }

  add(target: HeartbeatTarget): void {
    this.#all.add(target);
    this.#schedulePart();
  }

  remove(target: HeartbeatTarget): void {
    this.#all.delete(target);
    if (this.#all.size > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedulePart(): void {
    if (this.#timer) return;
    const since = this.now();
    const partMs = Math.min(PART_MS, this.#roundMs);
    this.#timer = this.#clock.after(partMs, () => this.#visitPart(since));
  }

  /** @param since the time of the part before */
  #visitPart(since: number): void {
    this.#timer = undefined;
    const now = this.now();
    const share = Math.min(1, (now - since) / this.#roundMs);
    for (let left = Math.ceil(this.#all.size * share); left > 0; left--) {
      const target = this.#next();
      if (target && target.heartbeatAt <= now) target.heartbeat();
    }
    if (this.#all.size > 0) this.#schedulePart();
  }

  #next(): HeartbeatTarget | undefined {
    const { value } = this.#rest.next();
    if (value) return value;
    this.#rest = this.#all.values();
    return this.#rest.next().value;
  }
}

function roundFor(pingTimeoutMs: number): number {
  return Math.min(Math.max(1, Math.floor(pingTimeoutMs / 100)), MAX_ROUND_MS);
}
