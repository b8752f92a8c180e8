/**
 * When which partition is asked for what is due: each one every so often, at a moment of its own,
 * and again at once where there was more. Never for more than there is room for, so that whatever
 * one node cannot take on now is there for the others.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import { PARTITIONS } from "../keys.ts";

/** Claimed by one call at most. */
const MAX_CLAIMED = 128;

/** What {@link ClaimLoop} need. */
interface ClaimLoopOptions {
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  /** Milliseconds from one look to the next. */
  readonly everyMs: () => number;
  /** Whether it makes sense to ask now. */
  readonly canClaim: () => boolean;
  /** How many more can be taken on, those apart that are being asked for. */
  readonly room: () => number;
  /** Claims up to `limit` of what is due, and resolves to how many it was. Never rejects. */
  readonly claim: (partition: number, limit: number) => Promise<number>;
}

/** See the file's comment. */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #timers = new Map<number, Timer>();
  /** Partitions to be asked, those first that have waited longest. */
  readonly #wanted = new Set<number>();
  readonly #underWay = new Set<number>();
  #reserved = 0;
  #stopped = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  start(): void {
    const { everyMs, random } = this.#options;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.#tickIn(random() * everyMs(), partition);
    }
  }

  /** Asks no more, and resolves when what was asked for has come. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#wanted.clear();
    await this.#idle();
  }

  /** Once stopped: asks for everything that is due, `workedOff` resolving where it has been seen to. */
  async drain(workedOff: () => Promise<void>): Promise<void> {
    this.#stopped = false;
    for (let partition = 0; partition < PARTITIONS; partition++) this.request(partition);
    while (this.#underWay.size > 0 || (this.#wanted.size > 0 && this.#options.canClaim())) {
      await this.#idle();
      await workedOff();
      this.next();
    }
    this.#stopped = true;
  }

  /** Asks a partition as soon as there is room. */
  request(partition: number): void {
    if (this.#stopped) return;
    this.#wanted.add(partition);
    this.next();
  }

  /** There may be room again. */
  next(): void {
    const { canClaim, room } = this.#options;
    for (const partition of this.#wanted) {
      if (!canClaim()) return;
      if (this.#underWay.has(partition)) continue;
      const limit = Math.min(MAX_CLAIMED, room() - this.#reserved);
      if (limit <= 0) return;
      this.#wanted.delete(partition);
      void this.#pull(partition, limit);
    }
  }

  /** Keeps room for what is claimed in another way; false where there is not enough. */
  reserve(count: number): boolean {
    if (this.#options.room() - this.#reserved < count) return false;
    this.#reserved += count;
    return true;
  }

  /** What room was kept for has come, or does not. */
  release(count: number): void {
    this.#reserved -= count;
    this.next();
  }

  /** Resolves when nobody is being asked. */
  #idle(): Promise<void> {
    if (this.#underWay.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle.push(resolve));
  }

  async #pull(partition: number, limit: number): Promise<void> {
    this.#underWay.add(partition);
    this.#reserved += limit;
    const count = await this.#options.claim(partition, limit);
    this.#underWay.delete(partition);
    if (count === limit && !this.#stopped) this.#wanted.add(partition);
    this.release(limit);
    if (this.#underWay.size === 0) { for (const resolve of this.#whenIdle.splice(0)) resolve(); }
  }

  #tickIn(ms: number, partition: number): void {
    const { clock, everyMs, canClaim } = this.#options;
    const timer = clock.after(ms, () => {
      this.#tickIn(everyMs(), partition);
      if (canClaim()) this.request(partition);
    });
    this.#timers.set(partition, timer);
  }
}
