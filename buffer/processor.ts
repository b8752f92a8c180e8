/**
 * The processors: a fixed number of concurrent jobs, fed from a bounded queue of due notifications
 * in fair order. A job is a batch of notifications, so that look-ups can be shared. The original
 * has the same two limits, as `numProcessorThreads` and `maxProcessorTasks`.
 */

import type { YieldToEventLoop } from "../core/event_loop.ts";
import { FairQueue } from "./fair_queue.ts";

/** Settings of {@link Processor}. */
interface ProcessorOptions<T> {
  /** Returns the number of concurrent jobs; called before each, so that a reload takes effect. */
  readonly concurrency: () => number;
  /** Returns how many items may wait; called before each offer. */
  readonly maxWaiting: () => number;
  /** Items in one job. */
  readonly jobSize: number;
  /** Returns the tenant of an item; items are taken from the tenants in turn. */
  readonly tenantOf: (item: T) => string;
  /** Handles a job. A rejection is a bug: it is reported, and the processor goes on. */
  readonly run: (items: readonly T[]) => Promise<void> | void;
  readonly onFault: (thrown: unknown) => void;
  /** Lets I/O run between two jobs. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** A bounded pool of jobs. */
export class Processor<T> {
  readonly #options: ProcessorOptions<T>;
  readonly #waiting: FairQueue<T>;
  #running = 0;
  /** Of those, the ones whose first job has not begun. */
  #starting = 0;
  #idle: (() => void)[] = [];

  constructor(options: ProcessorOptions<T>) {
    this.#options = options;
    this.#waiting = new FairQueue(options.tenantOf);
  }

  /** Number of items that wait for a job. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Number of jobs under way. */
  get running(): number {
    return this.#running;
  }

  /** Number of further items that may wait. */
  get room(): number {
    return Math.max(0, this.#options.maxWaiting() - this.waiting);
  }

  /** Adds items; no more of them than there is {@link room} for. */
  offer(items: readonly T[]): void {
    for (const item of items) this.#waiting.push(item);
    const { concurrency, jobSize } = this.#options;
    while (this.#running < concurrency() && this.#starting * jobSize < this.waiting) {
      this.#running++;
      void this.#work(this.#starting++);
    }
  }

  /** Removes and returns the waiting items that match. */
  withdraw(matches: (item: T) => boolean): readonly T[] {
    const withdrawn = this.#waiting.withdraw(matches);
    this.#notifyIdle();
    return withdrawn;
  }

  /** Removes the items that wait. */
  clear(): void {
    this.#waiting.clear();
    this.#notifyIdle();
  }

  /** Resolves once nothing waits or runs. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** @param ahead processors whose first job begins before that of this one */
  async #work(ahead: number): Promise<void> {
    if (ahead > 0) await this.#options.yieldToEventLoop(); // first jobs take turns, too
    else await null; // items offered before the next microtask share the job
    this.#starting--;
    while (this.waiting > 0 && this.#running <= this.#options.concurrency()) {
      const job = this.#waiting.take(this.#options.jobSize);
      try {
        await this.#options.run(job);
      } catch (thrown) {
        this.#options.onFault(thrown);
      }
      await this.#options.yieldToEventLoop();
    }
    this.#running--;
    this.#notifyIdle();
  }

  #notifyIdle(): void {
    if (this.#running > 0 || this.waiting > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
