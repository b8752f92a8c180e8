/**
 * Turns many small writes into few large ones: while one batch is being written, the items that
 * arrive wait, and go together in the next. Writes one batch at a time, in the order of the calls.
 * Does not retry: a batch that fails rejects its own calls and no others.
 */

import type { YieldToEventLoop } from "./event_loop.ts";

/** Settings of {@link BatchingWriter}. */
interface BatchingWriterOptions<T, R> {
  /**
   * Writes a batch. Returns one result per item, in their order, or nothing if calls have none.
   * Where it rejects, so do all calls of the batch.
   */
  readonly write: (batch: readonly T[]) => Promise<readonly R[] | void>;
  /**
   * Returns how many of the waiting items, from the first one on, go into the next batch: at least
   * one. This is where bounds by count, bytes or kind belong.
   */
  readonly batchSize: (waiting: readonly T[]) => number;
  /** Lets I/O run between two batches, for a destination that never waits for any. */
  readonly yieldToEventLoop?: YieldToEventLoop | undefined;
}

interface Call<R> {
  readonly resolve: (result: R) => void;
  readonly reject: (thrown: unknown) => void;
}

/** Collects items into batches and writes one batch at a time. */
export class BatchingWriter<T, R = void> {
  readonly #options: BatchingWriterOptions<T, R>;
  #items: T[] = [];
  /** The calls that gave {@link #items}, in the same order. */
  #calls: Call<R>[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: BatchingWriterOptions<T, R>) {
    this.#options = options;
  }

  /** Resolves to the item's result once its batch is written; rejects where that fails. */
  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#items.push(item);
      this.#calls.push({ resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves once nothing waits or is being written. Never rejects. */
  async drain(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    await null; // calls made before the next microtask share the first batch
    while (this.#items.length > 0) {
      await this.#writeBatch(this.#options.batchSize(this.#items));
      if (this.#items.length > 0) await this.#options.yieldToEventLoop?.();
    }
    this.#writing = undefined;
  }

  async #writeBatch(size: number): Promise<void> {
    const items = this.#items;
    const calls = this.#calls;
    this.#items = items.splice(size);
    this.#calls = calls.splice(size);
    try {
      const results = await this.#options.write(items);
      calls.forEach(({ resolve }, at) => resolve((results as readonly R[] | undefined)?.[at] as R));
    } catch (thrown) {
      for (const { reject } of calls) reject(thrown);
    }
  }
}
