/**
 * Many small commits made into few large ones: while one is being written, those that arrive
 * gather, and go together in the next. A file that takes some thousand commits a second thereby
 * takes tens of thousands of changes. It makes no checks and no retries.
 */

import type { Clock } from "../core/clock.ts";
import type { Commit, Store } from "../core/store.ts";
import type { YieldToEventLoop } from "../core/event_loop.ts";
import { encodeKey } from "./_key_order.ts";
import { type CommitCost, commitCost, type CommitTraits, fits, plusCost } from "./limits.ts";

/** Changes that take effect together, whatever is stored already. */
export type UncheckedCommit = Omit<Commit, "checks">;

/** Settings of a {@link GroupCommit}. */
export interface GroupCommitOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  /**
   * How long the first of a group waits for company while nothing is being written; whole
   * milliseconds. At 0 those of one turn of the event loop's queue still go together.
   *
   * @default {0}
   */
  readonly maxWaitMs?: number;
  /** Lets I/O have its turn between two groups: a store may take both without waiting for any. */
  readonly yieldToEventLoop?: YieldToEventLoop;
  /** Told of every commit that was written: its changes, and how long it took. */
  readonly onCommit?: (changes: number, seconds: number) => void;
}

interface Waiting {
  readonly commit: UncheckedCommit;
  readonly cost: CommitCost;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const NOTHING: CommitCost = { changes: 0, bytes: 0, keyBytes: 0 };

/** Gathers commits for a store, which it borrows. First come, first written. */
export class GroupCommit {
  readonly #store: Store;
  readonly #traits: CommitTraits;
  readonly #options: GroupCommitOptions;
  #waiting: Waiting[] = [];
  #gathered: CommitCost = NOTHING;
  #state: "idle" | "gathering" | "writing" = "idle";
  #idle: (() => void)[] = [];

  constructor(store: Store, options: GroupCommitOptions) {
    this.#store = store;
    this.#traits = store.traits;
    this.#options = options;
  }

  /**
   * Resolves once the changes are written, all of them within one commit of the store. Rejects,
   * together with the others of that commit, where it failed. A key is changed once per call.
   *
   * @throws {RangeError} the changes alone are more than the store takes at once.
   * @throws {ServiceError} `store_unavailable`
   */
  commit(commit: UncheckedCommit): Promise<void> {
    return new Promise((resolve, reject) => {
      const cost = commitCost(commit, this.#traits);
      this.#waiting.push({ commit, cost, resolve, reject });
      this.#gathered = plusCost(this.#gathered, cost);
      this.#arrived();
    });
  }

  /** Resolves once nothing is waiting or being written. */
  drain(): Promise<void> {
    if (this.#state === "idle") return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #arrived(): void {
    const { clock, maxWaitMs = 0 } = this.#options;
    if (this.#state === "idle") {
      this.#state = "gathering";
      if (maxWaitMs > 0) clock.after(maxWaitMs, () => this.#start());
      else queueMicrotask(() => this.#start());
    }
    if (this.#state === "gathering" && !fits(this.#gathered, this.#traits)) this.#start();
  }

  #start(): void {
    // The timer may fire after a full group has started the writing.
    if (this.#state === "gathering") void this.#write();
  }

  async #write(): Promise<void> {
    this.#state = "writing";
    while (this.#waiting.length > 0) {
      await this.#writeGroup(this.#take());
      if (this.#waiting.length > 0) await this.#options.yieldToEventLoop?.();
    }
    this.#state = "idle";
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #writeGroup(group: readonly Waiting[]): Promise<void> {
    const { clock, onCommit } = this.#options;
    const startedAt = clock.monotonic();
    const merged = merge(group);
    try {
      await this.#store.commit(merged);
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { resolve } of group) resolve();
    const changes = (merged.sets?.length ?? 0) + (merged.deletes?.length ?? 0);
    onCommit?.(changes, (clock.monotonic() - startedAt) / 1000);
  }

  /** As many of the first as one commit takes; at least one. */
  #take(): readonly Waiting[] {
    let cost = NOTHING;
    let count = 0;
    for (const waiting of this.#waiting) {
      const next = plusCost(cost, waiting.cost);
      if (count > 0 && !fits(next, this.#traits)) break;
      cost = next;
      count++;
    }
    const group = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    this.#gathered = minus(this.#gathered, cost);
    return group;
  }
}

/** One commit that leaves the store as the given ones would one after the other. */
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

function minus(a: CommitCost, b: CommitCost): CommitCost {
  return {
    changes: a.changes - b.changes,
    bytes: a.bytes - b.bytes,
    keyBytes: a.keyBytes - b.keyBytes,
  };
}
