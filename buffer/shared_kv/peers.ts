/**
 * The work of a log among other processes on a shared store: it renews its own lease, and takes
 * over the segments of processes that are gone. After a pause so long that others took over from
 * this process, it reports the lost lease, and goes on under a new name like a new process.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Store, StoreKey } from "../../core/store.ts";
import type { CommitChecks, CommitGuard } from "../commit_loop.ts";
import { Failover, type TakenSegment } from "./failover.ts";
import { OwnerLease } from "./owner_lease.ts";

/** Settings of {@link Peers}. */
interface PeersOptions {
  readonly clock: Clock;
  /** Milliseconds without a renewal after which others take over; the same for all processes. */
  readonly leaseMs: number;
  /** From 0 (inclusive) to 1 (exclusive); spreads the sweeps. Absent: equal intervals. */
  readonly random?: (() => number) | undefined;
  /** Returns whether more notifications may be taken over. */
  readonly hasRoom: () => boolean;
  /** Called with segments that are the log's own from now on; all or none, where it rejects. */
  readonly onFailover: (taken: readonly TakenSegment[]) => Promise<void>;
  /** Called when no segment is the log's own any more. */
  readonly onLeaseLost: () => void;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

/** Milliseconds between two sweeps, about; a fifth of the lease where that is less. */
const SWEEP_MS = 1_000;

/** Keeps the lease of this process and takes over from those that are gone. */
export class Peers implements CommitGuard {
  readonly #options: PeersOptions;
  readonly #lease: OwnerLease;
  readonly #failover: Failover;
  #timer: Timer | undefined;
  #sweeping: Promise<void> | undefined;
  #takesOver = true;
  #isClosed = false;

  constructor(store: Store, options: PeersOptions) {
    this.#options = options;
    this.#lease = new OwnerLease(store, options);
    this.#failover = new Failover(store, options);
  }

  /** The name under which this process keeps its segments now. */
  get owner(): string | undefined {
    return this.#lease.held?.owner;
  }

  /** Whether no other process can have taken over the log's segments. */
  get isOwner(): boolean {
    return this.#lease.isValid;
  }

  /**
   * Takes a name and the segments of processes that are gone; repeats the latter until closed.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async start(): Promise<void> {
    await this.#sweep();
    this.#schedule();
  }

  /**
   * Returns what every commit must insist on. Takes a new name where the old one was lost.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async checks(): Promise<CommitChecks> {
    if (this.#isClosed) {
      throw new ServiceError("store_unavailable", "Cannot write: the log is closed");
    }
    return [(await this.#lease.take()).fence];
  }

  refused([fence]: CommitChecks): void {
    if (fence && this.#lease.lose(fence)) this.#options.onLeaseLost();
  }

  /** Has the next sweep read these keys: their commit failed, and may have succeeded after all. */
  recheck(keys: readonly StoreKey[]): void {
    this.#failover.recheck(keys);
  }

  /** Takes over nothing from now on. */
  stopFailover(): void {
    this.#takesOver = false;
  }

  /**
   * Gives the lease up, so that the others take the segments at once. Where the store cannot be
   * written, they do so after the lease has run out.
   */
  async close(): Promise<void> {
    this.#takesOver = false;
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#sweeping;
    try {
      await this.#lease.release();
    } catch (thrown) {
      this.#options.onFault?.(thrown);
    }
  }

  #schedule(): void {
    const { clock, random, leaseMs } = this.#options;
    const ms = Math.min(SWEEP_MS, leaseMs / 5) * (random ? 0.75 + random() / 2 : 1);
    this.#timer = clock.after(ms, () => {
      this.#sweeping = this.#renewAndSweep().then(() => {
        if (!this.#isClosed) this.#schedule();
      });
    });
  }

  async #renewAndSweep(): Promise<void> {
    try {
      await this.#renew();
      await this.#sweep();
    } catch (thrown) {
      this.#options.onFault?.(thrown);
    }
  }

  async #renew(): Promise<void> {
    const { held } = this.#lease;
    if (held && this.#lease.isStale && !await this.#lease.renew(held)) this.refused([held.fence]);
  }

  async #sweep(): Promise<void> {
    const successor = await this.#lease.take();
    if (!this.#mayTakeOver()) return;
    for await (const taken of this.#failover.sweep(successor)) {
      // Where the lease was lost meanwhile, they belong to another process already.
      if (this.#lease.held === successor) await this.#open(taken);
      await this.#renew();
      if (!this.#mayTakeOver()) return;
    }
  }

  async #open(taken: readonly TakenSegment[]): Promise<void> {
    try {
      await this.#options.onFailover(taken);
    } catch (thrown) {
      this.recheck(taken.map(({ key }) => key)); // they are stored as the log's own
      throw thrown;
    }
  }

  #mayTakeOver(): boolean {
    return this.#takesOver && this.#options.hasRoom();
  }
}
