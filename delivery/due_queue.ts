/**
 * Durable jobs with a due time: what has to be done again later, and survives a restart. The store
 * keeps them in the order of their due times; only those at work are in memory. Where several
 * processes share the store, each works off whatever is due, and no job is at work twice; see
 * `_job_claims.ts`. At least once.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Commit, Store, StoreEntry, StoreKey } from "../core/store.ts";
import { type JobClaim, ownJobs, sharedJobs, type TakeJob } from "./_job_claims.ts";
import { JobCounts } from "./_job_counts.ts";

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
  /**
   * On a shared store: after how many milliseconds without a sign of life a job that is at work is
   * anybody's again. @default {120000}
   */
  readonly leaseMs?: number;
  /** From 0 (inclusive) to 1 (exclusive); spreads what processes do at the same time. */
  readonly random?: () => number;
  readonly onFault: (thrown: unknown) => void;
}

/** How often the wall clock is read again, which may have been set forward meanwhile. */
const MAX_WAIT_MS = 30_000;
/** How long after a fault of the store it is asked again. */
const FAULT_PAUSE_MS = 5_000;
const LEASE_MS = 120_000;
/** About how often it is looked for what other processes have stored. */
const LOOK_MS = 1_000;
/** How often it is looked for what was stored before a clock was set back, on a shared store. */
const LOOK_FAR_MS = 60_000;

/** See the file's comment. */
export class DueQueue<T> {
  readonly #options: DueQueueOptions;
  readonly #take: TakeJob<T>;
  readonly #counts = new JobCounts();
  readonly #isShared: boolean;
  /** By the last part of their keys. */
  readonly #running = new Map<string, Promise<void>>();
  /** Jobs that have ended since the listing began that may still show them. */
  readonly #ended = new Set<string>();
  #handle: ((job: T) => Promise<JobResult<T>>) | undefined;
  #timer: Timer | undefined;
  /** Epoch milliseconds at which the timer goes off. */
  #wakeAt = Infinity;
  #pumping = false;
  #again = false;
  #waiting = 0;
  /** Monotonic milliseconds. */
  #lookedFarAt = -Infinity;

  constructor(options: DueQueueOptions) {
    const { store, commit, clock, leaseMs = LEASE_MS } = options;
    this.#options = options;
    this.#isShared = store.traits.shared;
    this.#take = this.#isShared
      ? sharedJobs({ store, clock, leaseMs })
      : ownJobs({ commit, keyAt: (atMs) => this.#key(atMs) });
  }

  /**
   * Jobs that are not done. Of a store that is shared: about those that this process has put off
   * or is working on.
   */
  get waiting(): number {
    if (!this.#isShared) return this.#waiting;
    return this.#counts.after(this.#options.clock.now()) + this.#running.size;
  }

  /**
   * Begins to hand out jobs, those of earlier runs included. `found` is told of each of these,
   * except where the store is shared: they may be other processes' then.
   */
  async start(
    handle: (job: T) => Promise<JobResult<T>>,
    found?: (job: T) => void,
  ): Promise<void> {
    const { store, prefix } = this.#options;
    if (!this.#isShared) {
      for await (const { value } of store.list<T>({ prefix: [prefix] })) {
        this.#waiting++;
        found?.(value);
      }
    }
    this.#handle = handle;
    void this.#pump();
  }

  /** Resolves when the jobs are durable, together with other records, all or none. */
  async schedule(
    jobs: readonly { readonly job: T; readonly atMs: number }[],
    sets: NonNullable<Commit["sets"]> = [],
  ): Promise<void> {
    const own = jobs.map(({ job, atMs }) => ({ key: this.#key(atMs), value: job }));
    await this.#options.commit({ sets: sets.length === 0 ? own : [...own, ...sets] });
    this.#waiting += jobs.length;
    for (const { atMs } of jobs) this.#putOff(atMs);
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
      if (this.#isShared) this.#wakeToLook();
    }
  }

  async #handOut(): Promise<void> {
    const { store, clock, maxRunning, horizonMs } = this.#options;
    if (this.#running.size >= maxRunning) return;
    this.#ended.clear();
    // Those at work are listed, too.
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
          // A listing for many jobs, not one for each.
          if (this.#running.size <= maxRunning / 2) void this.#pump();
        });
        this.#running.set(id, work);
      }
    }
  }

  /** Where to look for jobs that may be due. On a shared store it is looked often, so no further. */
  #ranges(): readonly { readonly prefix: StoreKey; readonly start?: StoreKey; end?: StoreKey }[] {
    const { prefix: name, clock, horizonMs } = this.#options;
    const prefix = [name];
    if (!this.#isShared) return [{ prefix }];
    const due = { prefix, end: [name, clock.now() + 1] };
    if (clock.monotonic() - this.#lookedFarAt < LOOK_FAR_MS) return [due];
    this.#lookedFarAt = clock.monotonic();
    return [due, { prefix, start: [name, clock.now() + horizonMs + 1] }];
  }

  async #run(entry: StoreEntry<T>): Promise<void> {
    let claim: JobClaim<T> | undefined;
    try {
      claim = await this.#take(entry);
      if (!claim) return;
      const result = await this.#handle!(entry.value);
      await claim.finish(result);
      if (result.done) this.#waiting--;
      else this.#putOff(result.atMs);
    } catch (thrown) {
      this.#options.onFault(thrown);
      // Still in the store; a pause keeps a broken store from being hammered.
      await claim?.release(this.#options.clock.now() + FAULT_PAUSE_MS);
      await new Promise<void>((resolve) => this.#options.clock.after(FAULT_PAUSE_MS, resolve));
    }
  }

  #putOff(atMs: number): void {
    if (!this.#isShared) return this.#wake(atMs);
    this.#counts.add(atMs, this.#options.clock.now());
    // A timer may be a little early, and what is not due yet is not seen then.
    this.#wake(Math.round(atMs) + 1);
  }

  #wakeToLook(): void {
    const { clock, random } = this.#options;
    this.#wake(clock.now() + LOOK_MS * (random ? 0.75 + random() / 2 : 1));
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

  #key(atMs: number): StoreKey {
    return [this.#options.prefix, Math.round(atMs), this.#options.ids()];
  }
}
