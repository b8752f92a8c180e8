/**
 * Takes over the segments of processes that are gone. First the epoch of the owner is ended: its
 * lease, at the version that was seen to run out, and its fence are removed in one commit, after
 * which it cannot write any more. Then its segments are moved; of several that try, one succeeds
 * with each.
 */

import type { Clock } from "../../core/clock.ts";
import type { Store, StoreEntry, StoreKey } from "../../core/store.ts";
import { listOwners } from "../_owners.ts";
import {
  fenceKey,
  type HeldLease,
  leaseKey,
  NODE_PREFIX,
  type StoredLease,
} from "./owner_lease.ts";
import { AFTER_IDS, LOG_PREFIX, logKey, parseLogKey, type StoredSegment } from "../segment.ts";

/** A segment that was moved. */
export interface TakenSegment {
  /** Where it is now. */
  readonly key: StoreKey;
  readonly value: StoredSegment;
}

/** What taking over needs. */
export interface FailoverOptions {
  readonly clock: Clock;
  /** See {@link OwnerLease}; the same for all who share the store. */
  readonly leaseMs: number;
}

/** What is known of a lease that somebody else holds. */
export interface WatchedLease {
  /** Epoch milliseconds by its owner's clock. */
  readonly until: number;
  /** For how long it has been seen unchanged. */
  readonly unchangedMs: number;
}

/** Segments moved in one commit, where their size allows it. */
const AT_ONCE = 8;
/** Segments that may or may not be stored; of more, the next process to take over will know. */
const MAX_DOUBTS = 4_096;

/**
 * Whether an owner counts as gone. Its clock may be another one: so its lease must also have been
 * seen unchanged for as long as it lasts, or have run out that long ago. That is right for as long
 * as the clocks differ by less than a lease.
 */
export function isGone(
  { until, unchangedMs }: WatchedLease,
  { now, leaseMs }: { readonly now: number; readonly leaseMs: number },
): boolean {
  return now >= until && (unchangedMs >= leaseMs || now >= until + leaseMs);
}

/** See the file's comment. */
export class Failover {
  readonly #store: Store;
  readonly #options: FailoverOptions;
  /** By owner: the version of its lease, and since when (monotonic ms) it has been seen. */
  #seen = new Map<string, { readonly version: string; readonly since: number }>();
  #doubts: StoreKey[] = [];

  constructor(store: Store, options: FailoverOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** A commit that was to store segments under these keys failed, and may have succeeded after all. */
  doubt(keys: readonly StoreKey[]): void {
    this.#doubts.push(...keys.slice(0, MAX_DOUBTS - this.#doubts.length));
  }

  /**
   * Moves what nobody has any more to `heir`, batch by batch, for as long as there is some and the
   * heir goes on. Segments that were written before there were owners are nobody's.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async *sweep(heir: HeldLease): AsyncGenerator<readonly TakenSegment[]> {
    const stored = await this.#clearDoubts(heir);
    if (stored.length > 0) yield stored;
    yield* this.#take(heir, { prefix: LOG_PREFIX, end: [...LOG_PREFIX, AFTER_IDS] });
    // In this order: whoever has segments by now and is alive has a fence by then.
    const owners = await listOwners(this.#store);
    const alive = await this.#alive(heir);
    for (const owner of owners) {
      if (alive.has(owner)) continue;
      yield* this.#take(heir, { prefix: [...LOG_PREFIX, owner] }, owner);
    }
  }

  /** What was stored of that which is in doubt. Under a name that was lost, it is others' to find. */
  async #clearDoubts({ owner }: HeldLease): Promise<readonly TakenSegment[]> {
    if (this.#doubts.length === 0) return [];
    const keys = this.#doubts.filter((key) => parseLogKey(key).owner === owner);
    const entries = await this.#store.getMany<StoredSegment>(keys);
    this.#doubts = [];
    return entries.filter((entry) => entry !== undefined);
  }

  /** All owners that are not gone; ends the epochs of those that are. */
  async #alive(heir: HeldLease): Promise<ReadonlySet<string>> {
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
    const alive = new Set([heir.owner]);
    const now = clock.now();
    for (const owner of new Set([...leases.keys(), ...fences.keys()])) {
      if (owner === heir.owner) continue;
      const lease = leases.get(owner);
      const watched = lease && this.#watch(owner, { lease, before: before.get(owner) });
      if (watched && !isGone(watched, { now, leaseMs })) alive.add(owner);
      else if (!await this.#end(owner, { lease, fence: fences.get(owner) })) alive.add(owner);
    }
    return alive;
  }

  #watch(
    owner: string,
    { lease, before }: {
      readonly lease: StoreEntry<StoredLease>;
      readonly before: { readonly version: string; readonly since: number } | undefined;
    },
  ): WatchedLease {
    const at = this.#options.clock.monotonic();
    const { version } = lease;
    const seen = before?.version === version ? before : { version, since: at };
    this.#seen.set(owner, seen);
    return { until: lease.value.until, unchangedMs: at - seen.since };
  }

  /** False where it was renewed at the last moment, or somebody else was quicker. */
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

  /** Stops where somebody else takes the same. */
  async *#take(
    heir: HeldLease,
    range: { readonly prefix: StoreKey; readonly end?: StoreKey },
    owner?: string,
  ): AsyncGenerator<readonly TakenSegment[]> {
    const checks = [heir.fence];
    if (owner !== undefined) checks.push({ key: fenceKey(owner), version: null });
    for (;;) {
      const found = await this.#read(range);
      if (found.length === 0) return;
      const taken = found.map(({ key, value }) => ({
        key: logKey(heir.owner, parseLogKey(key)),
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
        this.doubt(taken.map(({ key }) => key));
        throw thrown;
      }
      yield taken;
    }
  }

  async #read(
    range: { readonly prefix: StoreKey; readonly end?: StoreKey },
  ): Promise<readonly StoreEntry<StoredSegment>[]> {
    const found: StoreEntry<StoredSegment>[] = [];
    let bytes = 0;
    for await (const entry of this.#store.list<StoredSegment>({ ...range, limit: AT_ONCE })) {
      const { items } = entry.value;
      bytes += typeof items === "string" ? items.length * 2 : items.length;
      if (found.length > 0 && bytes > this.#store.traits.maxCommitBytes / 2) break;
      found.push(entry);
    }
    return found;
  }
}
