/**
 * Decides when due notifications of which partition are claimed: each partition at a fixed interval
 * with its own phase, and again at once where there was more. It never claims more than this node
 * has room for, so that other nodes can take the rest.
 */

import type { Timer } from "../../core/clock.ts";
import type { SystemDeps } from "../../core/system_deps.ts";
import { PARTITIONS } from "../keys.ts";

/** Notifications that one call claims at most. */
const MAX_CLAIMED = 128;

interface ClaimLoopOptions extends Pick<SystemDeps, "clock" | "random"> {
  /** Milliseconds between two claims of a partition. */
  readonly everyMs: () => number;
  readonly canClaim: () => boolean;
  /** Number of notifications that this node can take, without those being claimed now. */
  readonly room: () => number;
  /** Claims up to `limit` due notifications; resolves to their number. Never rejects. */
  readonly claim: (partition: number, limit: number) => Promise<number>;
}

/** Claims due notifications of all partitions. */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #timers = new Map<number, Timer>();
  /** Partitions to claim from; the one that waits longest comes first. */
  readonly #wanted = new Set<number>();
  readonly #inFlight = new Set<number>();
  #reserved = 0;
  #stopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  start(): void {
    const { everyMs, random } = this.#options;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      this.#tickIn(random() * everyMs(), partition);
    }
  }

  /** Stops claiming; resolves when the calls under way have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#wanted.clear();
    await this.#idle();
  }

  /**
   * After `stop`: claims everything that is due. `processed` resolves when what was claimed is
   * processed.
   */
  async drain(processed: () => Promise<void>): Promise<void> {
    this.#stopped = false;
    for (let partition = 0; partition < PARTITIONS; partition++) this.request(partition);
    while (this.#inFlight.size > 0 || (this.#wanted.size > 0 && this.#options.canClaim())) {
      await this.#idle();
      await processed();
      this.claimNext();
    }
    this.#stopped = true;
  }

  /** Claims from a partition as soon as there is room. */
  request(partition: number): void {
    if (this.#stopped) return;
    this.#wanted.add(partition);
    this.claimNext();
  }

  /** Claims from waiting partitions as far as there is room. */
  claimNext(): void {
    const { canClaim, room } = this.#options;
    for (const partition of this.#wanted) {
      if (!canClaim()) return;
      if (this.#inFlight.has(partition)) continue;
      const limit = Math.min(MAX_CLAIMED, room() - this.#reserved);
      if (limit <= 0) return;
      this.#wanted.delete(partition);
      void this.#claim(partition, limit);
    }
  }

  /**
   * Reserves room for notifications that are claimed when they are accepted; false if there is too
   * little.
   */
  reserve(count: number): boolean {
    if (this.#options.room() - this.#reserved < count) return false;
    this.#reserved += count;
    return true;
  }

  unreserve(count: number): void {
    this.#reserved -= count;
    this.claimNext();
  }

  /** Resolves when no call is under way. */
  #idle(): Promise<void> {
    if (this.#inFlight.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  async #claim(partition: number, limit: number): Promise<void> {
    this.#inFlight.add(partition);
    this.#reserved += limit;
    const count = await this.#options.claim(partition, limit);
    this.#inFlight.delete(partition);
    if (count === limit && !this.#stopped) this.#wanted.add(partition);
    this.unreserve(limit);
    if (this.#inFlight.size === 0) { for (const resolve of this.#idleWaiters.splice(0)) resolve(); }
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
