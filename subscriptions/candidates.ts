/**
 * Caches the documents of recently addressed users in the form that matching needs. Users without
 * subscriptions are cached too. A changed document is only removed here; a later read is at least
 * as new as the change.
 */

import type { UserName } from "../core/events.ts";
import { LruCache } from "../core/lru_cache.ts";
import { userKey } from "../core/notification.ts";
import type { Store } from "../core/store.ts";
import { type Target, targetOf } from "../core/subscription.ts";
import { type Document, documentKey, loaded } from "./_records.ts";

/** One stored subscription, prepared for matching. */
export interface Candidate {
  readonly topics: readonly string[];
  /** Epoch milliseconds; `Infinity`: never. */
  readonly expiresAt: number;
  readonly target: Target;
}

interface CandidateCacheOptions {
  /**
   * The size of the cache: one per user and one per subscription.
   *
   * @default {200_000}
   */
  readonly maxEntries?: number;
}

type Candidates = readonly Candidate[];

interface Loading {
  readonly all: Promise<readonly Candidates[]>;
  readonly index: number;
}

const NONE: Candidates = [];

/** A bounded cache over the store. Reads may throw `store_unavailable`. */
export class CandidateCache {
  readonly #store: Pick<Store, "getMany">;
  readonly #cache: LruCache<Candidates>;
  readonly #loading = new Map<string, Loading>();

  constructor(
    store: Pick<Store, "getMany">,
    { maxEntries = 200_000 }: CandidateCacheOptions = {},
  ) {
    this.#store = store;
    this.#cache = new LruCache(maxEntries, ({ length }) => 1 + length);
  }

  /** Returns the cached candidates of a user, without a read. */
  peek(context: string, user: string): Candidates | undefined {
    return this.#cache.get(userKey(context, user));
  }

  /** Reads one user's document; concurrent reads of the same one are shared. */
  async load(owner: UserName): Promise<Candidates> {
    const { all, index } = this.#loading.get(keyOf(owner)) ?? this.#read([owner]);
    return (await all)[index] ?? NONE;
  }

  /** Reads the documents of all users that are not cached, in one batch. */
  async prefetch(owners: Iterable<UserName>): Promise<void> {
    const missing = new Map<string, UserName>();
    const waiting = new Set<Promise<unknown>>();
    for (const owner of owners) {
      if (this.peek(owner.context, owner.user) !== undefined) continue;
      const key = keyOf(owner);
      const loading = this.#loading.get(key);
      if (loading === undefined) missing.set(key, owner);
      else waiting.add(loading.all);
    }
    if (missing.size > 0) waiting.add(this.#read([...missing.values()]).all);
    await Promise.all(waiting);
  }

  /** Call it after a change of the user's document was committed, here or on another node. */
  invalidate(owner: UserName): void {
    const key = keyOf(owner);
    this.#cache.delete(key);
    // A read in progress may have missed the change, so its result is not cached.
    this.#loading.delete(key);
  }

  /** Call it where changes by other nodes may have been missed. */
  clear(): void {
    this.#cache.clear();
    this.#loading.clear();
  }

  #read(owners: readonly UserName[]): Loading {
    const all = this.#store.getMany<Document>(owners.map(documentKey)).then((entries) =>
      owners.map((owner, at) => candidatesOf(loaded(owner, entries[at]).subscriptions))
    );
    owners.forEach((owner, index) => this.#loading.set(keyOf(owner), { all, index }));
    const end = (results?: readonly Candidates[]) =>
      owners.forEach((owner, at) => {
        const key = keyOf(owner);
        if (this.#loading.get(key)?.all !== all) return; // it was superseded
        this.#loading.delete(key);
        if (results) this.#cache.set(key, results[at]!);
      });
    all.then(end, () => end());
    return { all, index: 0 };
  }
}

function keyOf({ context, user }: UserName): string {
  return userKey(context, user);
}

function candidatesOf(subscriptions: ReturnType<typeof loaded>["subscriptions"]): Candidates {
  if (subscriptions.length === 0) return NONE;
  return subscriptions.map((subscription) => {
    const { topics, expiresAt = Infinity } = subscription;
    return { topics, expiresAt, target: targetOf(subscription) };
  });
}
