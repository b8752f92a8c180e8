/**
 * The working set: what waits for its delay to pass, findable by aggregation key. Times are
 * monotonic milliseconds. Entries sit in buckets of a fixed width, so that adding costs the same
 * however many are waiting; a bucket is looked through only once its time has come.
 */

/** Something that waits. Its `dueAt` may be moved while it does. */
export interface Waiting {
  readonly key: string;
  dueAt: number;
}

/** A queue by due time with look-up by key. */
export class DelayQueue<T extends Waiting> {
  readonly #byKey = new Map<string, T>();
  readonly #buckets = new Map<number, T[]>();
  readonly #widthMs: number;
  /** No bucket before this one holds anything. */
  #oldest = Infinity;

  constructor(widthMs = 25) {
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

  /**
   * Removes and returns up to `limit` entries due at `now`, in the order of their buckets and,
   * within one, of arrival.
   */
  takeDue(now: number, limit: number): T[] {
    const taken: T[] = [];
    const last = this.#bucketOf(now);
    while (this.#oldest <= last && taken.length < limit) {
      const bucket = this.#buckets.get(this.#oldest);
      if (bucket) this.#drain(bucket, { now, limit, taken });
      if (bucket?.length) break; // the rest of this bucket is not due yet, or over the limit
      this.#buckets.delete(this.#oldest);
      this.#advance();
    }
    return taken;
  }

  /** Whether anything is due at `now`. */
  hasDue(now: number): boolean {
    const last = this.#bucketOf(now);
    for (const [index, bucket] of this.#buckets) {
      if (index <= last && bucket.some(({ dueAt }) => dueAt <= now)) return true;
    }
    return false;
  }

  #drain(bucket: T[], { now, limit, taken }: { now: number; limit: number; taken: T[] }): void {
    const entries = bucket.splice(0);
    for (const entry of entries) {
      if (this.#byKey.get(entry.key) !== entry) continue; // taken since, from an earlier bucket
      if (entry.dueAt > now && this.#bucketOf(entry.dueAt) > this.#oldest) this.#place(entry);
      else if (entry.dueAt > now || taken.length >= limit) bucket.push(entry);
      else {
        this.#byKey.delete(entry.key);
        taken.push(entry);
      }
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
