/**
 * The processors: a fixed number of jobs at once, fed from a bounded queue of due notifications,
 * in fair order. A job is a handful of notifications, so that look-ups can be shared. The original
 * calls these `numProcessorThreads` and `maxProcessorTasks`.
 */

import type { YieldToEventLoop } from "../core/event_loop.ts";
import { FairQueue } from "./fair_queue.ts";

/** Settings of {@link Processor}. */
export interface ProcessorOptions<T> {
  /** Jobs at once; read before each job, so that a reload counts. */
  readonly concurrency: () => number;
  /** Items that may wait; read before each offer. */
  readonly maxWaiting: () => number;
  /** Items in one job. */
  readonly jobSize: number;
  /** Items with the same name take their turn together; see {@link FairQueue}. */
  readonly tenantOf: (item: T) => string;
  /** Handles a job. A rejection is a bug; it is reported and the processor goes on. */
  readonly run: (items: readonly T[]) => Promise<void> | void;
  readonly onFault: (thrown: unknown) => void;
  /** Lets I/O have its turn; between two jobs the event loop must not starve. */
  readonly yieldToEventLoop: YieldToEventLoop;
}

/** A bounded pool of jobs. */
export class Processor<T> {
  readonly #options: ProcessorOptions<T>;
  readonly #waiting: FairQueue<T>;
  /**
   * Jobs go on one after the other, each after I/O has had its turn; together they would be one long
   * job.
   */
  #turns = Promise.resolve();
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: ProcessorOptions<T>) {
    this.#options = options;
    this.#waiting = new FairQueue(options.tenantOf);
  }

  /** Items waiting for a job. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Jobs under way. */
  get running(): number {
    return this.#running;
  }

  /** How many more items may wait. */
  get room(): number {
    return Math.max(0, this.#options.maxWaiting() - this.waiting);
  }

  /** Takes items over; at most {@link room} of them. */
  offer(items: readonly T[]): void {
    for (const item of items) this.#waiting.push(item);
    while (this.#running < this.#options.concurrency() && this.waiting > 0) {
      this.#running++;
      void this.#work();
    }
  }

  /** Forgets what is waiting. */
  clear(): void {
    this.#waiting.clear();
    this.#rest();
  }

  /** Resolves once nothing waits or runs. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #work(): Promise<void> {
    await null; // what is offered in this turn of the event loop goes into the same job
    while (this.waiting > 0 && this.#running <= this.#options.concurrency()) {
      const job = this.#waiting.take(this.#options.jobSize);
      try {
        await this.#options.run(job);
      } catch (thrown) {
        this.#options.onFault(thrown);
      }
      await (this.#turns = this.#turns.then(this.#options.yieldToEventLoop));
    }
    this.#running--;
    this.#rest();
  }

  #rest(): void {
    if (this.#running > 0 || this.waiting > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
