/**
 * What a log holds while it shares its store with the logs of other processes: a name of its own,
 * under which its segments are, and a lease on it. The lease is renewed for as long as the process
 * lives. Next to it is the fence: a record that is written once, when the name is taken, and
 * removed by whoever finds the lease run out. Every commit of the log insists on its fence, so
 * that a process that was paused cannot write a thing once others have taken over. A name is never
 * taken twice.
 */

import type { Clock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import { createTag } from "../../core/ids.ts";
import type { Store, StoreKey } from "../../core/store.ts";
import type { CommitChecks } from "../_commit_loop.ts";

/** Where leases and fences are. */
export const NODE_PREFIX = ["node"] as const;

/** A stored lease. */
export interface StoredLease {
  readonly v: 1;
  /** Epoch milliseconds by its owner's clock. */
  readonly until: number;
}

/** A name that is held, or was until others took over. */
export interface HeldLease {
  readonly owner: string;
  readonly fence: CommitChecks[number];
}

/** What a lease needs. */
export interface OwnerLeaseOptions {
  readonly clock: Clock;
  /** Milliseconds without a renewal after which others take over. */
  readonly leaseMs: number;
}

/** Names tried before it is the store's fault. */
const ATTEMPTS = 5;
/** How long a lease that nobody has cleared away is kept. */
const KEEP_MS = 86_400_000;

/** See the file's comment. */
export class OwnerLease {
  readonly #store: Store;
  readonly #options: OwnerLeaseOptions;
  #held: HeldLease | undefined;
  #taking: Promise<HeldLease> | undefined;
  /** Monotonic milliseconds before which it was last known to be renewed. */
  #renewedAt = -Infinity;

  constructor(store: Store, options: OwnerLeaseOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** What is held now. */
  get held(): HeldLease | undefined {
    return this.#held;
  }

  /** Whether nobody can have taken over. */
  get isSure(): boolean {
    return this.#age() < this.#options.leaseMs;
  }

  /** Whether it is time to renew it. */
  get isStale(): boolean {
    return this.#age() >= this.#options.leaseMs / 3;
  }

  /**
   * What is held, or a new name.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async take(): Promise<HeldLease> {
    return this.#held ?? await (this.#taking ??= this.#takeName().finally(() => {
      this.#taking = undefined;
    }));
  }

  /**
   * Prolongs it; false where it was lost.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async renew({ owner, fence }: HeldLease): Promise<boolean> {
    const at = this.#options.clock.monotonic();
    const done = await this.#store.commit({ checks: [fence], sets: [this.#leaseSet(owner)] });
    if (done && this.#held?.owner === owner) this.#renewedAt = at;
    return done;
  }

  /** A fence does not hold any more: others have taken over. True where that is news. */
  lose(fence: CommitChecks[number]): boolean {
    if (this.#held?.fence !== fence) return false;
    this.#held = undefined;
    this.#renewedAt = -Infinity;
    return true;
  }

  /**
   * Gives it up, so that others need not wait for it to run out.
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
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
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
    throw new ServiceError("store_unavailable", "Cannot take a name in the store that is shared", {
      retryAfterSeconds: 1,
    });
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

/** Where the lease of an owner is. */
export function leaseKey(owner: string): StoreKey {
  return [...NODE_PREFIX, owner];
}

/** Where the fence of an owner is. */
export function fenceKey(owner: string): StoreKey {
  return [...NODE_PREFIX, owner, "fence"];
}
