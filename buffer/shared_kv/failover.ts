/**
 * Takes over the segments of processes that are gone. First one commit removes the lease of the
 * owner, at the version that was seen to run out, and its fence; after that the owner cannot write
 * any more. Then its segments are moved; where several processes try, one succeeds with each.
 */

import type { Clock } from "../../core/clock.ts";
import type { Store, StoreEntry, StoreKey } from "../../core/store.ts";
import { AFTER_IDS, LOG_PREFIX, logKey, parseLogKey, type StoredSegment } from "../segment.ts";
import { listOwners } from "../stored_logs.ts";
import {
  fenceKey,
  type HeldLease,
  leaseKey,
  NODE_PREFIX,
  type StoredLease,
} from "./owner_lease.ts";

/** A segment that was moved. */
export interface TakenSegment {
  /** Where it is now. */
  readonly key: StoreKey;
  readonly value: StoredSegment;
}

/** Settings of {@link Failover}. */
interface FailoverOptions {
  readonly clock: Clock;
  /** Milliseconds without a renewal after which others take over; the same for all processes. */
  readonly leaseMs: number;
}

/** What this process has seen of another one's lease. */
interface ObservedLease {
  /** Epoch milliseconds by its owner's clock. */
  readonly until: number;
  /** Milliseconds for which it has been seen unchanged. */
  readonly unchangedMs: number;
}

type KeyRange = { readonly prefix: StoreKey; readonly end?: StoreKey };

/** Segments moved in one commit, where their size allows it. */
const SEGMENTS_PER_COMMIT = 8;
/** Keys kept for a recheck; the next process to take over finds the rest. */
const MAX_RECHECKS = 4_096;

/**
 * Returns whether an owner counts as gone. Its clock may differ, so its lease must also have been
 * seen unchanged for as long as it lasts, or have run out that long ago. This is right while the
 * clocks differ by less than a lease.
 */
export function isGone(
  { until, unchangedMs }: ObservedLease,
  { now, leaseMs }: { readonly now: number; readonly leaseMs: number },
): boolean {
  return now >= until && (unchangedMs >= leaseMs || now >= until + leaseMs);
}

/** Finds processes that are gone and moves their segments. */
export class Failover {
  readonly #store: Store;
  readonly #options: FailoverOptions;
  /** By owner: the version of its lease, and since when (monotonic ms) it has been seen. */
  #seen = new Map<string, { readonly version: string; readonly since: number }>();
  #rechecks: StoreKey[] = [];

  constructor(store: Store, options: FailoverOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Has the next sweep read these keys: their commit failed, and may have succeeded after all. */
  recheck(keys: readonly StoreKey[]): void {
    this.#rechecks.push(...keys.slice(0, MAX_RECHECKS - this.#rechecks.length));
  }

  /**
   * Moves the segments that no live process owns to `successor`, batch by batch, until there are
   * none or the caller stops. Segments from before there were owners belong to no process.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async *sweep(successor: HeldLease): AsyncGenerator<readonly TakenSegment[]> {
    const stored = await this.#readRechecks(successor);
    if (stored.length > 0) yield stored;
    yield* this.#take(successor, { prefix: LOG_PREFIX, end: [...LOG_PREFIX, AFTER_IDS] });
    // In this order: a live process that has segments by now has a fence by then.
    const owners = await listOwners(this.#store);
    const alive = await this.#alive(successor);
    for (const owner of owners) {
      if (alive.has(owner)) continue;
      yield* this.#take(successor, { prefix: [...LOG_PREFIX, owner] }, owner);
    }
  }

  /** Returns the segments that were stored after all. Others find those under a lost name. */
  async #readRechecks({ owner }: HeldLease): Promise<readonly TakenSegment[]> {
    if (this.#rechecks.length === 0) return [];
    const keys = this.#rechecks.filter((key) => parseLogKey(key).owner === owner);
    const entries = await this.#store.getMany<StoredSegment>(keys);
    this.#rechecks = [];
    return entries.filter((entry) => entry !== undefined);
  }

  /** Returns all owners that are not gone, and ends the leases of those that are. */
  async #alive(successor: HeldLease): Promise<ReadonlySet<string>> {
    const { clock, leaseMs } = this.#options;
    const leases = new Map<string, StoreEntry<StoredLease>>();
    const fences = new Map<string, StoreEntry<unknown>>();
    for await (const entry of this.#store.list<StoredLease>({ prefix: NODE_PREFIX })) {
      const owner = String(entry.key[1]);
      if (entry.key.length === 2) leases.set(owner, entry);
      else fences.set(owner, entry);
    }
    const before = this.#seen;
    this.#seen = new Map();
    const alive = new Set([successor.owner]);
    const now = clock.now();
    for (const owner of new Set([...leases.keys(), ...fences.keys()])) {
      if (owner === successor.owner) continue;
      const lease = leases.get(owner);
      const observed = lease && this.#observe(owner, { lease, before: before.get(owner) });
      if (observed && !isGone(observed, { now, leaseMs })) alive.add(owner);
      else if (!await this.#end(owner, { lease, fence: fences.get(owner) })) alive.add(owner);
    }
    return alive;
  }

  #observe(
    owner: string,
    { lease, before }: {
      readonly lease: StoreEntry<StoredLease>;
      readonly before: { readonly version: string; readonly since: number } | undefined;
    },
  ): ObservedLease {
    const at = this.#options.clock.monotonic();
    const { version } = lease;
    const seen = before?.version === version ? before : { version, since: at };
    this.#seen.set(owner, seen);
    return { until: lease.value.until, unchangedMs: at - seen.since };
  }

  /** Returns false where it was renewed at the last moment, or another process was quicker. */
  async #end(
    owner: string,
    { lease, fence }: {
      readonly lease: StoreEntry<unknown> | undefined;
      readonly fence: StoreEntry<unknown> | undefined;
    },
  ): Promise<boolean> {
    const keys = [leaseKey(owner), fenceKey(owner)] as const;
    return await this.#store.commit({
      checks: [
        { key: keys[0], version: lease?.version ?? null },
        { key: keys[1], version: fence?.version ?? null },
      ],
      deletes: keys,
    });
  }

  /** Stops where another process takes the same segments. */
  async *#take(
    successor: HeldLease,
    range: KeyRange,
    owner?: string,
  ): AsyncGenerator<readonly TakenSegment[]> {
    const checks = [successor.fence];
    if (owner !== undefined) checks.push({ key: fenceKey(owner), version: null });
    for (;;) {
      const found = await this.#read(range);
      if (found.length === 0) return;
      const taken = found.map(({ key, value }) => ({
        key: logKey(successor.owner, parseLogKey(key)),
        value,
      }));
      const deletes = found.map(({ key }) => key);
      try {
        const isDone = await this.#store.commit({
          checks: [...checks, ...found],
          sets: taken,
          deletes,
        });
        if (!isDone) return;
      } catch (thrown) {
        this.recheck(taken.map(({ key }) => key));
        throw thrown;
      }
      yield taken;
    }
  }

  async #read(range: KeyRange): Promise<readonly StoreEntry<StoredSegment>[]> {
    const found: StoreEntry<StoredSegment>[] = [];
    let bytes = 0;
    const first = { ...range, limit: SEGMENTS_PER_COMMIT };
    for await (const entry of this.#store.list<StoredSegment>(first)) {
      const { items } = entry.value;
      bytes += typeof items === "string" ? items.length * 2 : items.length;
      if (found.length > 0 && bytes > this.#store.traits.maxCommitBytes / 2) break;
      found.push(entry);
    }
    return found;
  }
}
