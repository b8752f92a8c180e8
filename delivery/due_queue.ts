/**
 * Durable jobs with a due time: what has to be done again later, and survives a restart. The store
 * keeps them in the order of their due times; only those at work are in memory. At least once.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Commit, Store, StoreKey } from "../core/store.ts";

/** What a handler wants done with a job. */
export type JobResult<T> =
  | { readonly done: true }
  /** The job as it is to be tried again; epoch milliseconds. */
  | { readonly done: false; readonly job: T; readonly atMs: number };

/** Writes changes without checks; several callers may share one commit. */
export type CommitChanges = (commit: Omit<Commit, "checks">) => Promise<void>;

/** What a queue needs. */
export interface DueQueueOptions {
  /** Where in the store the jobs are. */
  readonly prefix: string;
  readonly store: Store;
  readonly commit: CommitChanges;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Jobs at once. */
  readonly maxRunning: number;
  /** No job is due further ahead than this; one that is was stored before the clock was set back. */
  readonly horizonMs: number;
  readonly onFault: (thrown: unknown) => void;
}

/** How long after a fault of the store it is asked again. */
const FAULT_PAUSE_MS = 5_000;

/** See the file's comment. */
export class DueQueue<T> {
  readonly #options: DueQueueOptions;
  readonly #running = new Map<string, Promise<void>>();
  #handle: ((job: T) => Promise<JobResult<T>>) | undefined;
  #timer: Timer | undefined;
  /** Epoch milliseconds at which the timer goes off. */
  #wakeAt = Infinity;
  #pumping = false;
  #again = false;
  #waiting = 0;

  constructor(options: DueQueueOptions) {
    this.#options = options;
  }

  /** Jobs that are not done. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Begins to hand out jobs, those of earlier runs included; `found` is told of each of these. */
  async start(
    handle: (job: T) => Promise<JobResult<T>>,
    found?: (job: T) => void,
  ): Promise<void> {
    for await (const { value } of this.#options.store.list<T>({ prefix: [this.#options.prefix] })) {
      this.#waiting++;
      found?.(value);
    }
    this.#handle = handle;
    void this.#pump();
  }

  /** Resolves when the jobs are durable. */
  async schedule(jobs: readonly { readonly job: T; readonly atMs: number }[]): Promise<void> {
    await this.#options.commit({
      sets: jobs.map(({ job, atMs }) => ({ key: this.#key(atMs), value: job })),
    });
    this.#waiting += jobs.length;
    this.#wake(Math.min(...jobs.map(({ atMs }) => atMs)));
  }

  /** Hands out no more, and resolves when what is at work has ended. */
  async stop(): Promise<void> {
    this.#handle = undefined;
    this.#timer?.cancel();
    await Promise.allSettled(this.#running.values());
  }

  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        await this.#handOut();
      } while (this.#again && this.#handle);
    } catch (thrown) {
      this.#options.onFault(thrown);
      this.#wake(this.#options.clock.now() + FAULT_PAUSE_MS);
    } finally {
      this.#pumping = false;
    }
  }

  async #handOut(): Promise<void> {
    const { store, prefix, clock, maxRunning, horizonMs } = this.#options;
    const limit = maxRunning + 1;
    for await (const { key, value } of store.list<T>({ prefix: [prefix], limit })) {
      const id = key.join();
      if (!this.#handle || this.#running.size >= maxRunning) return;
      if (this.#running.has(id)) continue;
      const dueAt = Number(key[1]);
      const now = clock.now();
      if (dueAt > now && dueAt <= now + horizonMs) return this.#wake(dueAt);
      const work = this.#run(key, value).finally(() => {
        this.#running.delete(id);
        void this.#pump();
      });
      this.#running.set(id, work);
    }
  }

  async #run(key: StoreKey, job: T): Promise<void> {
    try {
      const result = await this.#handle!(job);
      const deletes = [key];
      if (result.done) {
        await this.#options.commit({ deletes });
        this.#waiting--;
      } else {
        const sets = [{ key: this.#key(result.atMs), value: result.job }];
        await this.#options.commit({ sets, deletes });
        this.#wake(result.atMs);
      }
    } catch (thrown) {
      this.#options.onFault(thrown);
      // Still in the store under its old key; a pause keeps a broken store from being hammered.
      await new Promise<void>((resolve) => this.#options.clock.after(FAULT_PAUSE_MS, resolve));
    }
  }

  #wake(atMs: number): void {
    if (atMs >= this.#wakeAt || !this.#handle) return;
    this.#timer?.cancel();
    this.#wakeAt = atMs;
    this.#timer = this.#options.clock.after(atMs - this.#options.clock.now(), () => {
      this.#wakeAt = Infinity;
      void this.#pump();
    });
  }

  #key(atMs: number): StoreKey {
    return [this.#options.prefix, Math.round(atMs), this.#options.ids()];
  }
}
