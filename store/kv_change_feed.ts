/**
 * Changes that processes on one Deno KV tell each other, e.g. the isolates of Deno Deploy: one
 * record holds the latest of them, numbered, and everybody watches it. Whoever finds that there
 * were more than it holds is told that it may have missed some.
 */

import { ChangePublisher } from "../core/change_publisher.ts";
import { type Change, type ChangeFeed, readChange } from "../core/change_feed.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { estimateBytes } from "./size.ts";

/** What a feed needs. */
export interface KvChangeFeedOptions {
  /** Borrowed. */
  readonly kv: Pick<Deno.Kv, "get" | "atomic" | "watch">;
  /** Of this process; no other has the same. */
  readonly id: string;
  readonly clock: Clock;
  /** From 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly log: Log;
}

/** The record. `last` is the number of its last change; the others are right before it. */
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

/** The record after these changes of a process. */
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

/** What is new to a process that has seen the changes up to `seen`; its own are not. */
export function newChanges(
  { last, changes }: ChangeRecord,
  { seen, id }: { readonly seen: number | undefined; readonly id: string },
): readonly Change[] {
  if (seen === last) return [];
  const first = last - changes.length + 1;
  // The record may also be another one: somebody has put an old copy of the data back.
  if (seen === undefined || last < seen || first > seen + 1) return [UNKNOWN];
  return changes.slice(seen + 1 - first)
    .filter(({ from }) => from !== id)
    .map(({ change }) => readChange(change));
}

/** Begins to watch; what was missed until then is told as unknown. */
export function createKvChangeFeed(options: KvChangeFeedOptions): ChangeFeed & AsyncDisposable {
  return new KvChangeFeed(options);
}

class KvChangeFeed implements ChangeFeed, AsyncDisposable {
  readonly #options: KvChangeFeedOptions;
  readonly #listeners: ((change: Change) => void)[] = [];
  readonly #closing = new AbortController();
  readonly #publisher: ChangePublisher;
  readonly #watching: Promise<void>;
  #reader: ReadableStreamDefaultReader<[Deno.KvEntryMaybe<ChangeRecord>]> | undefined;
  #seen: number | undefined;

  constructor(options: KvChangeFeedOptions) {
    this.#options = options;
    this.#publisher = new ChangePublisher({
      ...options,
      send: (changes) => this.#append(changes),
      onFault: (thrown) =>
        options.log.warn("changes could not be told to others", { reason: messageOf(thrown) }),
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
    await this.#reader?.cancel().catch(() => {});
    await this.#watching;
  }

  async #append(changes: readonly Change[]): Promise<void> {
    const { kv, id, clock, random } = this.#options;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const { value, versionstamp } = await kv.get<ChangeRecord>(KEY);
      const record = withChanges(value ?? NONE, changes, { from: id });
      const { ok } = await kv.atomic().check({ key: KEY, versionstamp }).set(KEY, record).commit();
      if (ok) return;
      await sleep(clock, random() * FIRST_WAIT_MS * 2 ** attempt);
    }
    throw new Error("Cannot tell of changes: others do all the time");
  }

  /** Never rejects. */
  async #watch(): Promise<void> {
    const { kv, clock, random, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        this.#reader = kv.watch<[ChangeRecord]>([KEY]).getReader();
        for (;;) {
          const { done, value } = await this.#reader.read();
          if (done) break;
          this.#take(value[0].value ?? NONE);
        }
      } catch (thrown) {
        if (signal.aborted) return;
        log.warn("changes by others cannot be seen", { reason: messageOf(thrown) });
      }
      await sleep(clock, RETRY_MS * (0.5 + random()), signal).catch(() => {});
    }
  }

  #take(record: ChangeRecord): void {
    const changes = newChanges(record, { seen: this.#seen, id: this.#options.id });
    this.#seen = record.last;
    for (const change of changes) {
      for (const listener of this.#listeners) listener(change);
    }
  }
}
