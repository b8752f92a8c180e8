/**
 * The name of a process among those that share its store, and the lease on that name. The log
 * keeps its segments under the name, and renews the lease while the process lives. Next to the
 * lease is the fence: a record that is written once, when the name is taken, and removed by the
 * process that finds the lease run out. Every commit of the log insists on its fence, so a process
 * that was paused cannot write once others have taken over. No name is taken twice.
 */

import type { Clock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { createTag } from "../../core/ids.ts";
import type { Store, StoreKey } from "../../core/store.ts";
import type { CommitChecks } from "../commit_loop.ts";

/** The prefix of all leases and fences. */
export const NODE_PREFIX = ["node"] as const;

/** A stored lease. */
export interface StoredLease {
  readonly v: 1;
  /** Epoch milliseconds by its owner's clock. */
  readonly until: number;
}

/** A name that this process holds, or held until others took over. */
export interface HeldLease {
  readonly owner: string;
  readonly fence: CommitChecks[number];
}

/** Settings of {@link OwnerLease}. */
interface OwnerLeaseOptions {
  readonly clock: Clock;
  /** Milliseconds without a renewal after which others take over. */
  readonly leaseMs: number;
}

/** Names to try before the store counts as broken. */
const MAX_ATTEMPTS = 5;
/** Milliseconds that the store keeps a lease which no process removes. */
const KEEP_MS = 86_400_000;

/** Takes, renews and releases the name of this process. */
export class OwnerLease {
  readonly #store: Store;
  readonly #options: OwnerLeaseOptions;
  #held: HeldLease | undefined;
  #taking: Promise<HeldLease> | undefined;
  /** When the last successful renewal began, in monotonic milliseconds. */
  #renewedAt = -Infinity;

  constructor(store: Store, options: OwnerLeaseOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The name that is held now. */
  get held(): HeldLease | undefined {
    return this.#held;
  }

  /** Whether no other process can have taken over. */
  get isValid(): boolean {
    return this.#age() < this.#options.leaseMs;
  }

  /** Whether it is time to renew the lease. */
  get isStale(): boolean {
    return this.#age() >= this.#options.leaseMs / 3;
  }

  /**
   * Returns the held name, or takes a new one.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async take(): Promise<HeldLease> {
    return this.#held ?? await (this.#taking ??= this.#takeName().finally(() => {
      this.#taking = undefined;
    }));
  }

  /**
   * Renews the lease; returns false where it was lost.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async renew({ owner, fence }: HeldLease): Promise<boolean> {
    const at = this.#options.clock.monotonic();
    const done = await this.#store.commit({ checks: [fence], sets: [this.#leaseSet(owner)] });
    if (done && this.#held?.owner === owner) this.#renewedAt = at;
    return done;
  }

  /** Drops the name whose fence is gone. Returns false where that is known already. */
  lose(fence: CommitChecks[number]): boolean {
    if (this.#held?.fence !== fence) return false;
    this.#held = undefined;
    this.#renewedAt = -Infinity;
    return true;
  }

  /**
   * Gives the name up, so that others need not wait for the lease to run out.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async release(): Promise<void> {
    await this.#taking?.catch(() => {});
    const held = this.#held;
    if (!held) return;
    const { owner, fence } = held;
    this.lose(fence);
    await this.#store.commit({ checks: [fence], deletes: [leaseKey(owner), fenceKey(owner)] });
  }

  async #takeName(): Promise<HeldLease> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const owner = createTag();
      const at = this.#options.clock.monotonic();
      const key = fenceKey(owner);
      const isNew = await this.#store.commit({
        checks: [{ key, version: null }, { key: leaseKey(owner), version: null }],
        sets: [{ key, value: { v: 1 } }, this.#leaseSet(owner)],
      });
      const fence = isNew ? await this.#store.get(key) : undefined;
      if (!fence) continue;
      this.#renewedAt = at;
      return this.#held = { owner, fence: { key, version: fence.version } };
    }
    throw new ServiceError(
      "store_unavailable",
      `Cannot take a name in the shared store: ${MAX_ATTEMPTS} random names were refused`,
      { retryAfterSeconds: 1 },
    );
  }

  #leaseSet(owner: string) {
    const value: StoredLease = {
      v: 1,
      until: this.#options.clock.now() + this.#options.leaseMs,
    };
    return { key: leaseKey(owner), value, expireInMs: KEEP_MS };
  }

  #age(): number {
    return this.#options.clock.monotonic() - this.#renewedAt;
  }
}

/** Returns the key of an owner's lease. */
export function leaseKey(owner: string): StoreKey {
  return [...NODE_PREFIX, owner];
}

/** Returns the key of an owner's fence. */
export function fenceKey(owner: string): StoreKey {
  return [...NODE_PREFIX, owner, "fence"];
}
