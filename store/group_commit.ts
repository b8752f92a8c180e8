/**
 * Turns many small commits into few large ones, so that a file that takes some thousand commits a
 * second takes tens of thousands of changes. Makes no checks and no retries.
 */

import { Batcher } from "../core/batcher.ts";
import type { Clock } from "../core/clock.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import type { Commit, Store } from "../core/store.ts";
import { encodeKey } from "./_key_order.ts";
import { type CommitCost, commitCost, type CommitTraits, fits, plusCost } from "./limits.ts";

/** Changes that take effect together, whatever is stored already. */
type UncheckedCommit = Omit<Commit, "checks">;

interface GroupCommitOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /** Lets I/O run between two commits: a store may take both without waiting for any. */
  readonly yieldToEventLoop?: YieldToEventLoop;
  /** Called after every commit with its number of changes and its duration in seconds. */
  readonly onCommit?: (changes: number, seconds: number) => void;
}

interface Waiting {
  readonly commit: UncheckedCommit;
  readonly cost: CommitCost;
}

/** Collects commits for a store, which it does not close, and writes them in order of arrival. */
export class GroupCommit {
  readonly #store: Store;
  readonly #options: GroupCommitOptions;
  readonly #writer: Batcher<Waiting>;

  constructor(store: Store, options: GroupCommitOptions) {
    this.#store = store;
    this.#options = options;
    this.#writer = new Batcher<Waiting>({
      run: (group) => this.#write(group),
      batchSize: (waiting) => countThatFits(waiting, store.traits),
      yieldToEventLoop: options.yieldToEventLoop,
    });
  }

  /**
   * Resolves once the changes are written, all of them within one commit of the store. Rejects,
   * together with the other calls of that commit, where it fails. A call changes a key once.
   *
   * @throws {RangeError} as a rejection, if the changes alone are more than the store takes at once
   * @throws {ServiceError} `store_unavailable`
   */
  commit(commit: UncheckedCommit): Promise<void> {
    try {
      return this.#writer.add({ commit, cost: commitCost(commit, this.#store.traits) });
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  /** Resolves once nothing waits or is being written. */
  drain(): Promise<void> {
    return this.#writer.drain();
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const { clock, onCommit } = this.#options;
    const startedAt = clock.monotonic();
    const merged = merge(group);
    await this.#store.commit(merged);
    const changes = (merged.sets?.length ?? 0) + (merged.deletes?.length ?? 0);
    onCommit?.(changes, (clock.monotonic() - startedAt) / 1000);
  }
}

/** Returns how many of the first calls one commit takes; at least one. */
function countThatFits(waiting: readonly Waiting[], traits: CommitTraits): number {
  let total = waiting[0]!.cost;
  for (let count = 1; count < waiting.length; count++) {
    total = plusCost(total, waiting[count]!.cost);
    if (!fits(total, traits)) return count;
  }
  return waiting.length;
}

/** Returns one commit that leaves the store as the given ones would one after the other. */
function merge(group: readonly Waiting[]): UncheckedCommit {
  if (group.length === 1) return group[0]!.commit;
  const sets = new Map<string, NonNullable<Commit["sets"]>[number]>();
  const deletes = new Map<string, NonNullable<Commit["deletes"]>[number]>();
  for (const { commit } of group) {
    for (const key of commit.deletes ?? []) {
      const text = encodeKey(key);
      sets.delete(text);
      deletes.set(text, key);
    }
    for (const set of commit.sets ?? []) {
      const text = encodeKey(set.key);
      deletes.delete(text);
      sets.set(text, set);
    }
  }
  return { sets: [...sets.values()], deletes: [...deletes.values()] };
}
