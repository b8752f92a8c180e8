/**
 * Counts the final states of the notifications that are parts of one to many users. Each process
 * adds up in memory and writes its sum once a second, under a key of its own; a crash loses what it
 * has counted since. A reader sums over the processes.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { LruCache } from "../core/lru_cache.ts";
import type { Store } from "../core/store.ts";

interface CountsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "after">;
  /** Names this process. */
  readonly tag: string;
  /** Milliseconds for which counts are kept after their last change. */
  readonly retentionMs: () => number;
}

type Counts = Record<string, number>;

const FLUSH_MS = 1_000;
const MAX_WRITTEN = 1_000;
const PREFIX = "fanoutCount";

/** Counts by notification and state. */
export class FanoutCounts {
  readonly #options: CountsOptions;
  /** What this process has written lately, so that it need not be read again. */
  readonly #written = new LruCache<Readonly<Counts>>(MAX_WRITTEN);
  #pending = new Map<string, Counts>();
  #timer: Timer | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(options: CountsOptions) {
    this.#options = options;
  }

  /** Counts a settled notification, if it is a part of another. */
  settled({ fanout, state }: LedgerRecord): void {
    if (fanout === undefined) return;
    let counts = this.#pending.get(fanout);
    if (!counts) this.#pending.set(fanout, counts = {});
    counts[state] = (counts[state] ?? 0) + 1;
    this.#timer ??= this.#options.clock.after(FLUSH_MS, () => {
      this.#timer = undefined;
      void this.flush();
    });
  }

  /** Writes what was counted. What cannot be written is written with the next. */
  flush(): Promise<void> {
    return this.#flushing = this.#flushing.then(() => this.#write());
  }

  /** Returns the counts of all processes. */
  async of(fanout: string): Promise<Readonly<Counts>> {
    const sum: Counts = {};
    for await (const { value } of this.#options.store.list<Counts>({ prefix: [PREFIX, fanout] })) {
      for (const [state, count] of Object.entries(value)) sum[state] = (sum[state] ?? 0) + count;
    }
    return sum;
  }

  async #write(): Promise<void> {
    const { store, tag, retentionMs } = this.#options;
    const pending = this.#pending;
    this.#pending = new Map();
    for (const [fanout, added] of pending) {
      const key = [PREFIX, fanout, tag];
      try {
        const before = this.#written.get(fanout) ?? (await store.get<Counts>(key))?.value;
        const value = { ...before };
        for (const [state, count] of Object.entries(added)) {
          value[state] = (value[state] ?? 0) + count;
        }
        await store.commit({ sets: [{ key, value, expireInMs: retentionMs() }] });
        this.#written.set(fanout, value);
      } catch {
        for (const [state, count] of Object.entries(added)) {
          const counts = this.#pending.get(fanout) ?? {};
          counts[state] = (counts[state] ?? 0) + count;
          this.#pending.set(fanout, counts);
        }
      }
    }
  }
}
