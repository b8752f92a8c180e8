/**
 * The change feed of processes that share one Deno KV, such as the isolates of Deno Deploy. One
 * record holds the latest changes, numbered, and every process watches it. A process that finds
 * more changes than the record holds learns that it may have missed some.
 */

import { type Change, type ChangeFeed, readChange } from "../../core/change_feed.ts";
import { ChangePublisher } from "../../core/change_publisher.ts";
import { sleep } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Store, StoreEntry, StoreKey } from "../../core/store.ts";
import { estimateBytes } from "../../core/stored_size.ts";
import type { SystemDeps } from "../../core/system_deps.ts";

/** A store that can report changes of a record, by any process. */
interface WatchableStore extends Pick<Store, "get" | "commit"> {
  watch<T>(key: StoreKey, signal: AbortSignal): AsyncIterable<StoreEntry<T> | undefined>;
}

/** Settings of {@link KvChangeFeed}. */
interface KvChangeFeedOptions extends SystemDeps {
  /** The name of this process; no other has the same. */
  readonly id: string;
}

/** The record. `last` is the number of its last change; the others come right before it. */
export interface ChangeRecord {
  readonly v: 1;
  readonly last: number;
  readonly changes: readonly {
    readonly from: string;
    readonly change: Change;
  }[];
}

const KEY = ["changes"];
const NONE: ChangeRecord = { v: 1, last: 0, changes: [] };
const UNKNOWN: Change = { kind: "unknown" };
const MAX_CHANGES = 100;
/** KV takes 65,536. */
const MAX_BYTES = 60_000;
const MAX_ATTEMPTS = 10;
const FIRST_WAIT_MS = 2;
/** Half as much at least, half as much more at most. */
const RETRY_MS = 1_000;

/** Returns the record with the changes of a process added. */
export function withChanges(
  { last, changes }: ChangeRecord,
  added: readonly Change[],
  { from }: { readonly from: string },
): ChangeRecord {
  const all = [...changes, ...added.map((change) => ({ from, change }))].slice(-MAX_CHANGES);
  let bytes = 0;
  const fits = all.findLastIndex((each) => (bytes += estimateBytes(each)) > MAX_BYTES);
  return { v: 1, last: last + added.length, changes: all.slice(fits + 1) };
}

/** Returns what is new to a process that has seen the changes up to `seen`, without its own. */
export function newChanges(
  { last, changes }: ChangeRecord,
  { seen, id }: { readonly seen: number | undefined; readonly id: string },
): readonly Change[] {
  if (seen === last) return [];
  const first = last - changes.length + 1;
  // A lower number means another record: an operator has restored an old copy of the data.
  if (seen === undefined || last < seen || first > seen + 1) return [UNKNOWN];
  return changes.slice(seen + 1 - first)
    .filter(({ from }) => from !== id)
    .map(({ change }) => readChange(change));
}

/**
 * Watches a store, which it does not close. Reports one `unknown` change first, for what
 * it has missed until then. Dispose of the feed before the store.
 */
export class KvChangeFeed implements ChangeFeed, AsyncDisposable {
  readonly #store: WatchableStore;
  readonly #options: KvChangeFeedOptions;
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #closing = new AbortController();
  readonly #publisher: ChangePublisher;
  readonly #watching: Promise<void>;
  #seen: number | undefined;

  constructor(store: WatchableStore, options: KvChangeFeedOptions) {
    this.#store = store;
    this.#options = options;
    this.#publisher = new ChangePublisher({
      ...options,
      send: (changes) => this.#append(changes),
      onFault: (thrown) =>
        options.log.warn("changes could not be published to other processes; trying again", {
          reason: messageOf(thrown),
        }),
    });
    this.#watching = this.#watch();
  }

  publish(change: Change): void {
    this.#publisher.add(change);
  }

  onChange(listener: (change: Change) => void): void {
    this.#listeners.push(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#publisher[Symbol.asyncDispose]();
    this.#closing.abort();
    await this.#watching;
  }

  async #append(changes: readonly Change[]): Promise<void> {
    const { id, clock, random } = this.#options;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await this.#store.get<ChangeRecord>(KEY);
      const value = withChanges(before?.value ?? NONE, changes, { from: id });
      const isDone = await this.#store.commit({
        checks: [{ key: KEY, version: before?.version ?? null }],
        sets: [{ key: KEY, value }],
      });
      if (isDone) return;
      await sleep(clock, random() * FIRST_WAIT_MS * 2 ** attempt);
    }
    throw new Error(`Cannot publish changes: other processes did so ${MAX_ATTEMPTS} times first`);
  }

  /** Never rejects. */
  async #watch(): Promise<void> {
    const { clock, random, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        for await (const entry of this.#store.watch<ChangeRecord>(KEY, signal)) {
          this.#notify(entry?.value ?? NONE);
        }
      } catch (thrown) {
        if (signal.aborted) return;
        log.warn("cannot watch the changes of other processes; trying again", {
          reason: messageOf(thrown),
        });
      }
      await sleep(clock, RETRY_MS * (0.5 + random()), signal).catch(() => {});
    }
  }

  #notify(record: ChangeRecord): void {
    const changes = newChanges(record, { seen: this.#seen, id: this.#options.id });
    this.#seen = record.last;
    for (const change of changes) {
      for (const listener of this.#listeners) listener(change);
    }
  }
}
