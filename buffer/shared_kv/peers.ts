/**
 * What a log does besides where it shares its store with the logs of other processes: it keeps its
 * lease, and takes over what others have left behind. Where it finds that it was out of sight for
 * so long that others have taken over from itself, it says so, and goes on under a new name as if
 * the process had just begun.
 */

import type { Clock, Timer } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Store, StoreKey } from "../../core/store.ts";
import type { CommitChecks, CommitGuard } from "../_commit_loop.ts";
import { OwnerLease } from "./owner_lease.ts";
import { Failover, type TakenSegment } from "./failover.ts";

/** What this needs. */
export interface PeersOptions {
  readonly clock: Clock;
  /** See {@link OwnerLease}; the same for all who share the store. */
  readonly leaseMs: number;
  /** Spreads the rounds; from 0 (inclusive) to 1 (exclusive). None: they keep their time. */
  readonly random?: (() => number) | undefined;
  /** Whether more may be taken over. */
  readonly hasRoom: () => boolean;
  /** These are the log's own from now on; all or none, where it rejects. */
  readonly onFailover: (taken: readonly TakenSegment[]) => Promise<void>;
  /** Nothing that was the log's own is so any more. */
  readonly onLeaseLost: () => void;
  readonly onFault?: ((thrown: unknown) => void) | undefined;
}

/** About how often it is looked for what others have left; oftener where leases are short. */
const ROUND_MS = 1_000;

/** See the file's comment. */
export class Peers implements CommitGuard {
  readonly #options: PeersOptions;
  readonly #lease: OwnerLease;
  readonly #takeover: Failover;
  #timer: Timer | undefined;
  #round: Promise<void> | undefined;
  #takes = true;
  #left = false;

  constructor(store: Store, options: PeersOptions) {
    this.#options = options;
    this.#lease = new OwnerLease(store, options);
    this.#takeover = new Failover(store, options);
  }

  /** The name under which segments are kept at the moment. */
  get owner(): string | undefined {
    return this.#lease.held?.owner;
  }

  /** Whether nobody can have taken over what is the log's own. */
  get isSure(): boolean {
    return this.#lease.isSure;
  }

  /**
   * Takes a name and what others have left behind already, and then does so again and again.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async start(): Promise<void> {
    await this.#sweep();
    this.#schedule();
  }

  /**
   * What every commit must insist on; takes a new name where the old one was lost.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async checks(): Promise<CommitChecks> {
    if (this.#left) throw new ServiceError("store_unavailable", "Cannot write: the log is closed");
    return [(await this.#lease.take()).fence];
  }

  refused([fence]: CommitChecks): void {
    if (fence && this.#lease.lose(fence)) this.#options.onLeaseLost();
  }

  /** See {@link Failover.doubt}. */
  doubt(keys: readonly StoreKey[]): void {
    this.#takeover.doubt(keys);
  }

  /** Takes over no more. */
  stopFailover(): void {
    this.#takes = false;
  }

  /** Gives everything that is left to the others. A store that is away does so by itself, later. */
  async handOver(): Promise<void> {
    this.#takes = false;
    this.#left = true;
    this.#timer?.cancel();
    await this.#round;
    try {
      await this.#lease.release();
    } catch (thrown) {
      this.#options.onFault?.(thrown);
    }
  }

  #schedule(): void {
    const { clock, random, leaseMs } = this.#options;
    const ms = Math.min(ROUND_MS, leaseMs / 5) * (random ? 0.75 + random() / 2 : 1);
    this.#timer = clock.after(ms, () => {
      this.#round = this.#look().then(() => {
        if (!this.#left) this.#schedule();
      });
    });
  }

  async #look(): Promise<void> {
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
    const heir = await this.#lease.take();
    if (!this.#mayTake()) return;
    for await (const taken of this.#takeover.sweep(heir)) {
      // Lost meanwhile, and somebody else's already.
      if (this.#lease.held === heir) await this.#open(taken);
      await this.#renew();
      if (!this.#mayTake()) return;
    }
  }

  async #open(taken: readonly TakenSegment[]): Promise<void> {
    try {
      await this.#options.onFailover(taken);
    } catch (thrown) {
      this.#takeover.doubt(taken.map(({ key }) => key)); // they are stored as the log's own
      throw thrown;
    }
  }

  #mayTake(): boolean {
    return this.#takes && this.#options.hasRoom();
  }
}
