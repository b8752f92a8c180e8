/**
 * Whose a job is while it is worked off. Where the store is one process's own, all jobs are its
 * own, and a job stays where it is until it is done. Where several share it, a job is claimed by
 * moving it to a due time that is a lease away: whoever moves it has it, and if that process dies,
 * the job is due again for everybody. While it takes longer, the lease is prolonged; only a process
 * that was paused, or away from the store, for a whole lease may see its job done twice.
 */

import type { Clock, Timer } from "../core/clock.ts";
import type { Commit, Store, StoreEntry, StoreKey } from "../core/store.ts";

/** What the handler of a job decides about it. */
export type JobResult<T> =
  | { readonly done: true }
  /** Store this job again, due at `atMs` (epoch milliseconds). */
  | { readonly done: false; readonly job: T; readonly atMs: number };

/** Writes changes without checks; several callers may share one commit. */
export type CommitChanges = (commit: Omit<Commit, "checks">) => Promise<void>;

/** A job that is this process's own. */
export interface JobClaim<T> {
  /** Removes the job, or keeps it for later; nothing where it is somebody else's by now. */
  finish(result: JobResult<T>): Promise<void>;
  /** Gives it back unchanged, to be due at `atMs`. Never rejects. */
  release(atMs: number): Promise<void>;
}

/** Claims a job; `undefined` where somebody else was quicker. */
export type TakeJob<T> = (
  entry: StoreEntry<T>,
) => JobClaim<T> | undefined | Promise<JobClaim<T> | undefined>;

/** Where a job is, by its due time. */
type KeyAt = (atMs: number) => StoreKey;

/** How jobs are taken from a store of one's own. */
export function ownJobs<T>(
  { commit, keyAt }: { readonly commit: CommitChanges; readonly keyAt: KeyAt },
): TakeJob<T> {
  return ({ key }) => ({
    finish: (result) => commit({ ...setsOf(result, keyAt), deletes: [key] }),
    release: () => Promise.resolve(), // it is there
  });
}

/** How jobs are taken from a store that several processes share. */
export function sharedJobs<T>(
  options: { readonly store: Store; readonly clock: Clock; readonly leaseMs: number },
): TakeJob<T> {
  return async (entry) => {
    const claim = new SharedClaim(entry, options);
    return await claim.take(entry) ? claim : undefined;
  };
}

class SharedClaim<T> implements JobClaim<T> {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #leaseMs: number;
  readonly #job: T;
  readonly #keyAt: KeyAt;
  /** Where it is; changes with every move. */
  #key: StoreKey;
  #timer: Timer | undefined;
  #renewal: Promise<void> | undefined;

  constructor(
    { key, value }: StoreEntry<T>,
    { store, clock, leaseMs }: {
      readonly store: Store;
      readonly clock: Clock;
      readonly leaseMs: number;
    },
  ) {
    this.#store = store;
    this.#clock = clock;
    this.#leaseMs = leaseMs;
    this.#job = value;
    this.#key = key;
    this.#keyAt = (atMs) => [key[0]!, Math.round(atMs), key.at(-1)!];
  }

  async take(entry: StoreEntry<T>): Promise<boolean> {
    const key = this.#keyAt(this.#clock.now() + this.#leaseMs);
    const sets = [{ key, value: this.#job }];
    if (!await this.#store.commit({ checks: [entry], deletes: [entry.key], sets })) return false;
    this.#key = key;
    this.#renewLater();
    return true;
  }

  async finish(result: JobResult<T>): Promise<void> {
    this.#timer?.cancel();
    await this.#renewal;
    await this.#move(setsOf(result, this.#keyAt));
  }

  async release(atMs: number): Promise<void> {
    try {
      await this.finish({ done: false, job: this.#job, atMs });
    } catch {
      // The store is away, and the lease runs out by itself.
    }
  }

  #renewLater(): void {
    this.#timer = this.#clock.after(this.#leaseMs / 3, () => {
      this.#renewal = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const key = this.#keyAt(this.#clock.now() + this.#leaseMs);
    try {
      if (!await this.#move({ sets: [{ key, value: this.#job }] })) return;
      this.#key = key;
    } catch {
      // The store is away; there is time for another try or two.
    }
    this.#renewLater();
  }

  /** Only where it has not become somebody else's. */
  async #move({ sets }: ReturnType<typeof setsOf>): Promise<boolean> {
    const entry = await this.#store.get(this.#key);
    return entry !== undefined &&
      await this.#store.commit({ checks: [entry], deletes: [entry.key], sets });
  }
}

function setsOf<T>(result: JobResult<T>, keyAt: KeyAt) {
  const sets: readonly { readonly key: StoreKey; readonly value: unknown }[] = result.done
    ? []
    : [{ key: keyAt(result.atMs), value: result.job }];
  return { sets };
}
