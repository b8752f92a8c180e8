/**
 * Turns many small reads or writes into few large ones: while one batch runs, the items that arrive
 * wait, and go together in the next. Runs one batch at a time, in the order of the calls.
 * Does not retry: a batch that fails rejects its own calls and no others.
 */

import type { YieldToEventLoop } from "./event_loop.ts";

interface BatcherOptions<T, R> {
  /**
   * Reads or writes a batch. Returns one result per item, in their order, or nothing if calls have none.
   * Where it rejects, so do all calls of the batch.
   */
  readonly run: (batch: readonly T[]) => Promise<readonly R[] | void>;
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

/** Collects items into batches and runs one batch at a time. */
export class Batcher<T, R = void> {
  readonly #options: BatcherOptions<T, R>;
  #items: T[] = [];
  /** The calls that gave {@link #items}, in the same order. */
  #calls: Call<R>[] = [];
  #running: Promise<void> | undefined;

  constructor(options: BatcherOptions<T, R>) {
    this.#options = options;
  }

  /** Resolves to the item's result once its batch is done; rejects where that fails. */
  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#items.push(item);
      this.#calls.push({ resolve, reject });
      this.#running ??= this.#runAll();
    });
  }

  /** Resolves once nothing waits or runs. Never rejects. */
  async drain(): Promise<void> {
    while (this.#running) await this.#running;
  }

  async #runAll(): Promise<void> {
    await null; // calls made before the next microtask share the first batch
    while (this.#items.length > 0) {
      await this.#runBatch(this.#options.batchSize(this.#items));
      if (this.#items.length > 0) await this.#options.yieldToEventLoop?.();
    }
    this.#running = undefined;
  }

  async #runBatch(size: number): Promise<void> {
    const items = this.#items;
    const calls = this.#calls;
    this.#items = items.splice(size);
    this.#calls = calls.splice(size);
    try {
      const results = await this.#options.run(items);
      calls.forEach(({ resolve }, at) => resolve((results as readonly R[] | undefined)?.[at] as R));
    } catch (thrown) {
      for (const { reject } of calls) reject(thrown);
    }
  }
}
