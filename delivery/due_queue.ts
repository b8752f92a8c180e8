/**
 * Durable jobs with a due time, run at least once. The store keeps them in the order of their due
 * times; only running jobs are in memory. On a shared store each process claims due jobs before it
 * runs them (`job_claims.ts`).
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Commit, Store, StoreEntry, StoreKey } from "../core/store.ts";
import {
  type ClaimJob,
  type CommitChanges,
  exclusiveClaims,
  type JobClaim,
  type JobResult,
  sharedClaims,
} from "./job_claims.ts";

/** Settings of a {@link DueQueue}. */
export interface DueQueueOptions {
  /** First part of the keys of its jobs. */
  readonly prefix: string;
  readonly store: Store;
  readonly commit: CommitChanges;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Jobs that run at once. */
  readonly maxRunning: number;
  /**
   * The furthest due time of a valid job. A job beyond it was stored before the clock was set back,
   * and runs at once.
   */
  readonly horizonMs: number;
  /**
   * Shared store only: after this many milliseconds without a renewal another process may claim a
   * running job. @default {120000}
   */
  readonly leaseMs?: number;
  /** Returns 0 (inclusive) to 1 (exclusive); spreads the polls of several processes. */
  readonly random?: () => number;
  readonly onFault: (thrown: unknown) => void;
}

/** The longest wait before the wall clock is read again, which may have been set forward. */
const MAX_WAIT_MS = 30_000;
/** The pause after an error of the store. */
const FAULT_PAUSE_MS = 5_000;
const LEASE_MS = 120_000;
/** How often, about, a process looks for due jobs of other processes. */
const POLL_MS = 1_000;
/** How often a process looks for jobs beyond the horizon, on a shared store. */
const FAR_POLL_MS = 60_000;

/** A job with its due time in epoch milliseconds. */
interface DueJob<T> {
  readonly job: T;
  readonly atMs: number;
  /** Replaces the job of the same id and time; absent: one of its own. */
  readonly id?: string;
}

/** Runs jobs when they are due. */
export class DueQueue<T> {
  readonly #options: DueQueueOptions;
  readonly #claim: ClaimJob<T>;
  readonly #counts = new JobCounts();
  readonly #isShared: boolean;
  /** By job id, the last part of the key. */
  readonly #running = new Map<string, Promise<void>>();
  /** Jobs that ended since the current listing began; it may still contain them. */
  readonly #ended = new Set<string>();
  #handle: ((job: T) => Promise<JobResult<T>>) | undefined;
  #timer: Timer | undefined;
  /** Epoch milliseconds at which the timer fires. */
  #wakeAt = Infinity;
  #pumping = false;
  #pumpAgain = false;
  #waiting = 0;
  /** Monotonic milliseconds. */
  #polledFarAt = -Infinity;

  constructor(options: DueQueueOptions) {
    const { store, commit, clock, leaseMs = LEASE_MS } = options;
    this.#options = options;
    this.#isShared = store.traits.shared;
    this.#claim = this.#isShared
      ? sharedClaims({ store, clock, leaseMs })
      : exclusiveClaims({ commit, keyAt: (atMs) => this.#key(atMs) });
  }

  /**
   * Jobs that are not done. On a shared store: roughly those that this process postponed or is
   * running.
   */
  get waiting(): number {
    if (!this.#isShared) return this.#waiting;
    return this.#counts.after(this.#options.clock.now()) + this.#running.size;
  }

  /**
   * Starts running jobs, those of earlier runs included. On a store of its own, it first calls
   * `onFound` for each existing job.
   */
  async start(
    handle: (job: T) => Promise<JobResult<T>>,
    onFound?: (job: T) => void,
  ): Promise<void> {
    const { store, prefix } = this.#options;
    if (!this.#isShared) {
      for await (const { value } of store.list<T>({ prefix: [prefix] })) {
        this.#waiting++;
        onFound?.(value);
      }
    }
    this.#handle = handle;
    void this.#pump();
  }

  /** Stores jobs together with other records, all or none; durable when it resolves. */
  async schedule(
    jobs: readonly DueJob<T>[],
    sets: NonNullable<Commit["sets"]> = [],
  ): Promise<void> {
    await this.#options.commit({ sets: [...this.#setsOf(jobs), ...sets] });
    this.#added(jobs);
  }

  /** The same under checks; false, and nothing is stored, where one fails. */
  async scheduleIf(
    checks: NonNullable<Commit["checks"]>,
    { jobs, sets }: {
      readonly jobs: readonly DueJob<T>[];
      readonly sets: NonNullable<Commit["sets"]>;
    },
  ): Promise<boolean> {
    const all = [...this.#setsOf(jobs), ...sets];
    if (!await this.#options.store.commit({ checks, sets: all })) return false;
    this.#added(jobs);
    return true;
  }

  /** Starts no more jobs, and resolves when the running ones have ended. */
  async stop(): Promise<void> {
    this.#handle = undefined;
    this.#timer?.cancel();
    await Promise.allSettled(this.#running.values());
  }

  #setsOf(jobs: readonly DueJob<T>[]): NonNullable<Commit["sets"]> {
    return jobs.map(({ job, atMs, id }) => ({ key: this.#key(atMs, id), value: job }));
  }

  #added(jobs: readonly DueJob<T>[]): void {
    this.#waiting += jobs.length;
    for (const { atMs } of jobs) this.#countAndWake(atMs);
  }

  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#pumpAgain = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#pumpAgain = false;
        await this.#startDue();
      } while (this.#pumpAgain && this.#handle);
    } catch (thrown) {
      this.#options.onFault(thrown);
      this.#wake(this.#options.clock.now() + FAULT_PAUSE_MS);
    } finally {
      this.#pumping = false;
      if (this.#isShared) this.#schedulePoll();
    }
  }

  async #startDue(): Promise<void> {
    const { store, clock, maxRunning, horizonMs } = this.#options;
    if (this.#running.size >= maxRunning) return;
    this.#ended.clear();
    // The listing contains the running jobs, too.
    const limit = maxRunning + 1;
    for (const range of this.#ranges()) {
      for await (const entry of store.list<T>({ ...range, limit })) {
        const { key } = entry;
        const id = String(key.at(-1));
        if (!this.#handle || this.#running.size >= maxRunning) return;
        if (this.#running.has(id) || this.#ended.has(id)) continue;
        const dueAt = Number(key[1]);
        const now = clock.now();
        if (dueAt > now && dueAt <= now + horizonMs) return this.#wake(dueAt);
        const work = this.#run(entry).finally(() => {
          this.#running.delete(id);
          this.#ended.add(id);
          // One listing for many jobs instead of one per job.
          if (this.#running.size <= maxRunning / 2) void this.#pump();
        });
        this.#running.set(id, work);
      }
    }
  }

  /**
   * The key ranges that may contain due jobs. A shared store is polled often, so the range ends
   * now.
   */
  #ranges(): readonly { readonly prefix: StoreKey; readonly start?: StoreKey; end?: StoreKey }[] {
    const { prefix: name, clock, horizonMs } = this.#options;
    const prefix = [name];
    if (!this.#isShared) return [{ prefix }];
    const due = { prefix, end: [name, clock.now() + 1] };
    if (clock.monotonic() - this.#polledFarAt < FAR_POLL_MS) return [due];
    this.#polledFarAt = clock.monotonic();
    return [due, { prefix, start: [name, clock.now() + horizonMs + 1] }];
  }

  async #run(entry: StoreEntry<T>): Promise<void> {
    let claim: JobClaim<T> | undefined;
    try {
      claim = await this.#claim(entry);
      if (!claim) return;
      const result = await this.#handleInTurn(entry.value);
      await claim.finish(result);
      if (result.done) this.#waiting--;
      else this.#countAndWake(result.atMs);
    } catch (thrown) {
      this.#options.onFault(thrown);
      // The job is still stored; the pause spares a failing store.
      await claim?.release(this.#options.clock.now() + FAULT_PAUSE_MS);
      await new Promise<void>((resolve) => this.#options.clock.after(FAULT_PAUSE_MS, resolve));
    }
  }

  /** Handles a job again and again while it is due at once, and no other can wait for its place. */
  async #handleInTurn(job: T): Promise<JobResult<T>> {
    const { clock, maxRunning } = this.#options;
    for (;;) {
      const result = await this.#handle!(job);
      const goesOn = !result.done && result.job === job && result.atMs <= clock.now();
      if (!goesOn || !this.#handle || this.#running.size >= maxRunning) return result;
    }
  }

  #countAndWake(atMs: number): void {
    if (!this.#isShared) return this.#wake(atMs);
    this.#counts.add(atMs, this.#options.clock.now());
    // A timer may fire slightly early and would then miss the job.
    this.#wake(Math.round(atMs) + 1);
  }

  #schedulePoll(): void {
    const { clock, random } = this.#options;
    this.#wake(clock.now() + POLL_MS * (random ? 0.75 + random() / 2 : 1));
  }

  #wake(atMs: number): void {
    if (atMs >= this.#wakeAt || !this.#handle) return;
    this.#timer?.cancel();
    this.#wakeAt = atMs;
    const waitMs = Math.min(atMs - this.#options.clock.now(), MAX_WAIT_MS);
    this.#timer = this.#options.clock.after(waitMs, () => {
      this.#wakeAt = Infinity;
      void this.#pump();
    });
  }

  #key(atMs: number, id = this.#options.ids()): StoreKey {
    return [this.#options.prefix, Math.round(atMs), id];
  }
}

const WIDTH_MS = 1_000;
/** Above this many entries, past seconds are removed. */
const MAX_IDLE = 4_096;

/**
 * Counts the jobs that this process postponed, by the second in which they are due. On a shared
 * store other processes may run them, so it does not track single jobs.
 */
class JobCounts {
  readonly #bySecond = new Map<number, number>();

  add(atMs: number, now: number): void {
    if (this.#bySecond.size > MAX_IDLE) this.after(now);
    const second = Math.floor(atMs / WIDTH_MS);
    this.#bySecond.set(second, (this.#bySecond.get(second) ?? 0) + 1);
  }

  /** Those due after `now`. */
  after(now: number): number {
    const from = Math.floor(now / WIDTH_MS);
    let count = 0;
    for (const [second, jobs] of this.#bySecond) {
      if (second > from) count += jobs;
      else this.#bySecond.delete(second);
    }
    return count;
  }
}
