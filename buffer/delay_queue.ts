/**
 * The working set: what waits for its delay to pass, findable by aggregation key. Times are
 * monotonic milliseconds. Entries sit in buckets of a fixed width, so that adding costs the same
 * however many are waiting; a bucket is looked through only once its time has come. What is due
 * stays findable until it is taken, in fair order.
 */

import { FairQueue } from "./fair_queue.ts";

/** Something that waits. Its `dueAt` may be moved while it does. */
export interface Waiting {
  readonly key: string;
  dueAt: number;
  /** Its time has come, and `dueAt` does not matter any more. The queue's to set. */
  isDue: boolean;
}

/** A queue by due time with look-up by key. */
export class DelayQueue<T extends Waiting> {
  readonly #byKey = new Map<string, T>();
  readonly #buckets = new Map<number, T[]>();
  readonly #due: FairQueue<T>;
  readonly #widthMs: number;
  /** No bucket before this one holds anything. */
  #oldest = Infinity;

  /** @param laneOf what takes its turn together once it is due; see {@link FairQueue} */
  constructor(laneOf: (entry: T) => string, widthMs = 25) {
    this.#due = new FairQueue(laneOf);
    this.#widthMs = widthMs;
  }

  /** Number of entries. */
  get size(): number {
    return this.#byKey.size;
  }

  /** The waiting entry with this key. */
  get(key: string): T | undefined {
    return this.#byKey.get(key);
  }

  /** Adds an entry; one with the same key must not be waiting. */
  add(entry: T): void {
    this.#byKey.set(entry.key, entry);
    this.#place(entry);
  }

  /** Brings an entry forward after its `dueAt` was lowered. One put off is found in time by itself. */
  hasten(entry: T): void {
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

  /** Forgets everything. */
  clear(): void {
    this.#byKey.clear();
    this.#buckets.clear();
    this.#due.clear();
    this.#oldest = Infinity;
  }

  /** Finds what has become due: in the order of the buckets and, within one, of arrival. */
  #promote(now: number): void {
    const last = this.#bucketOf(now);
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
      // Found before, in an earlier bucket.
      if (entry.isDue || this.#byKey.get(entry.key) !== entry) continue;
      if (entry.dueAt <= now) {
        entry.isDue = true;
        this.#due.push(entry);
      } else if (this.#bucketOf(entry.dueAt) > this.#oldest) this.#place(entry);
      else bucket.push(entry);
    }
  }

  #place(entry: T): void {
    const index = this.#bucketOf(entry.dueAt);
    const bucket = this.#buckets.get(index);
    if (bucket) bucket.push(entry);
    else this.#buckets.set(index, [entry]);
    if (index < this.#oldest) this.#oldest = index;
  }

  /** Moves on to the next bucket that exists; there are few, so looking at each key is cheap. */
  #advance(): void {
    let next = Infinity;
    for (const index of this.#buckets.keys()) if (index < next) next = index;
    this.#oldest = next;
  }

  #bucketOf(at: number): number {
    return Math.floor(at / this.#widthMs);
  }
}
