/**
 * A queue of entries that wait for their delay to pass, with look-up by aggregation key. Entries
 * sit in buckets of a fixed width, so adding one costs the same however many wait; a bucket is
 * searched only once its time has come. Due entries can be looked up until they are taken, in fair
 * order. Times are monotonic milliseconds.
 */

import { FairQueue } from "./fair_queue.ts";

/** An entry. Its `dueAt` may change while it waits. */
export interface Waiting {
  readonly key: string;
  dueAt: number;
  /** Its time has come, and `dueAt` does not matter any more. Only the queue sets it. */
  isDue: boolean;
}

const BUCKET_MS = 25;

/** Orders entries by due time and finds them by key. */
export class DelayQueue<T extends Waiting> {
  readonly #byKey = new Map<string, T>();
  readonly #buckets = new Map<number, T[]>();
  readonly #due: FairQueue<T>;
  /** The first bucket that holds anything. */
  #oldest = Infinity;

  /** @param groupOf returns the group of an entry; due entries are taken from the groups in turn */
  constructor(groupOf: (entry: T) => string) {
    this.#due = new FairQueue(groupOf);
  }

  /** Number of entries. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Returns the waiting entry with this key. */
  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** Adds an entry. No other one with its key may be waiting. */
  add(entry: T): void {
    this.#byKey.set(entry.key, entry);
    this.#place(entry);
  }

  /** Must be called after the `dueAt` of an entry was lowered, but not where it was raised. */
  moveForward(entry: T): void {
    this.#place(entry);
  }

  /** Removes and returns up to `limit` entries due at `now`, in fair order. */
  takeDue(now: number, limit: number): T[] {
    this.#promote(now);
    const taken = this.#due.take(limit);
    for (const entry of taken) this.#byKey.delete(entry.key);
    return taken;
  }

  /** Whether anything is due at `now`. */
  hasDue(now: number): boolean {
    this.#promote(now);
    return this.#due.size > 0;
  }

  /** Removes entries that wait. */
  remove(entries: readonly T[]): void {
    const removed = new Set(entries);
    for (const { key } of entries) this.#byKey.delete(key);
    if (entries.some(({ isDue }) => isDue)) this.#due.withdraw((entry) => removed.has(entry));
  }

  /** Removes all entries. */
  clear(): void {
    this.#byKey.clear();
    this.#buckets.clear();
    this.#due.clear();
    this.#oldest = Infinity;
  }

  /** Moves entries that have become due to the fair queue, by bucket and then by arrival. */
  #promote(now: number): void {
    const last = bucketOf(now);
    while (this.#oldest <= last) {
      const bucket = this.#buckets.get(this.#oldest);
      if (bucket) this.#drain(bucket, now);
      if (bucket?.length) break; // the rest of this bucket is not due yet
      this.#buckets.delete(this.#oldest);
      this.#advance();
    }
  }

  #drain(bucket: T[], now: number): void {
    const entries = bucket.splice(0);
    for (const entry of entries) {
      // It was found in an earlier bucket before.
      if (entry.isDue || this.#byKey.get(entry.key) !== entry) continue;
      if (entry.dueAt <= now) {
        entry.isDue = true;
        this.#due.push(entry);
      } else if (bucketOf(entry.dueAt) > this.#oldest) this.#place(entry);
      else bucket.push(entry);
    }
  }

  #place(entry: T): void {
    const index = bucketOf(entry.dueAt);
    const bucket = this.#buckets.get(index);
    if (bucket) bucket.push(entry);
    else this.#buckets.set(index, [entry]);
    if (index < this.#oldest) this.#oldest = index;
  }

  /** Moves on to the next bucket that exists; there are few, so checking each key is cheap. */
  #advance(): void {
    let next = Infinity;
    for (const index of this.#buckets.keys()) if (index < next) next = index;
    this.#oldest = next;
  }
}

function bucketOf(at: number): number {
  return Math.floor(at / BUCKET_MS);
}
