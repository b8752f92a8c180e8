/**
 * The processors: a fixed number of jobs at once, fed from a bounded queue of due notifications.
 * A job is a handful of notifications, so that look-ups can be shared. The original calls these
 * `numProcessorThreads` and `maxProcessorTasks`.
 */

/** Settings of {@link Processor}. */
export interface ProcessorOptions<T> {
  /** Jobs at once; read before each job, so that a reload counts. */
  readonly concurrency: () => number;
  /** Items that may wait; read before each offer. */
  readonly maxWaiting: () => number;
  /** Items in one job. */
  readonly jobSize: number;
  /** Handles a job. A rejection is a bug; it is reported and the processor goes on. */
  readonly run: (items: readonly T[]) => Promise<void> | void;
  readonly onFault: (thrown: unknown) => void;
  /** Lets I/O have its turn; between two jobs the event loop must not starve. */
  readonly turn: () => Promise<void>;
}

/** A bounded pool of jobs. */
export class Processor<T> {
  readonly #options: ProcessorOptions<T>;
  #waiting: T[] = [];
  #head = 0;
  #running = 0;
  #idle: (() => void)[] = [];

  constructor(options: ProcessorOptions<T>) {
    this.#options = options;
  }

  /** Items waiting for a job. */
  get waiting(): number {
    return this.#waiting.length - this.#head;
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

  /** Resolves once nothing waits or runs. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  async #work(): Promise<void> {
    while (this.waiting > 0 && this.#running <= this.#options.concurrency()) {
      const job = this.#take();
      try {
        await this.#options.run(job);
      } catch (thrown) {
        this.#options.onFault(thrown);
      }
      await this.#options.turn();
    }
    this.#running--;
    if (this.#running === 0 && this.waiting === 0) {
      for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #take(): T[] {
    const job = this.#waiting.slice(this.#head, this.#head + this.#options.jobSize);
    this.#head += job.length;
    if (this.#head === this.#waiting.length) {
      this.#waiting = [];
      this.#head = 0;
    } else if (this.#head > 4096 && this.#head * 2 > this.#waiting.length) {
      this.#waiting = this.#waiting.slice(this.#head);
      this.#head = 0;
    }
    return job;
  }
}
