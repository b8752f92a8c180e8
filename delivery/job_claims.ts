/**
 * Claims a job for one process while it runs. On a store of its own, a process owns all jobs and
 * leaves them in place until they are done. On a shared store, a process claims a job by moving it
 * to a due time one lease ahead, and renews the lease while the job runs; if the process dies, the
 * job falls due for all. Only a process that pauses or loses the store for a whole lease may see
 * its job run twice. Works on any shared store (Deno KV and Redis).
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

/** A job that this process may run. */
export interface JobClaim<T> {
  /**
   * Removes the job or stores it for later; does nothing where another process has claimed it
   * since.
   */
  finish(result: JobResult<T>): Promise<void>;
  /** Stores the job unchanged, due at `atMs`. Never rejects. */
  release(atMs: number): Promise<void>;
}

/** Claims a job; `undefined` where another process was first. */
export type ClaimJob<T> = (
  entry: StoreEntry<T>,
) => JobClaim<T> | undefined | Promise<JobClaim<T> | undefined>;

/** The key of the job at a due time. */
type KeyAt = (atMs: number) => StoreKey;

/** Claims jobs of a store that only this process uses. */
export function exclusiveClaims<T>(
  { commit, keyAt }: { readonly commit: CommitChanges; readonly keyAt: KeyAt },
): ClaimJob<T> {
  return ({ key }) => ({
    finish: (result) => commit({ ...setsOf(result, keyAt), deletes: [key] }),
    release: () => Promise.resolve(), // the job was never moved
  });
}

/** Claims jobs of a store that several processes share. */
export function sharedClaims<T>(options: SharedClaimOptions): ClaimJob<T> {
  return async (entry) => {
    const claim = new SharedClaim(entry, options);
    return await claim.acquire(entry) ? claim : undefined;
  };
}

interface SharedClaimOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly leaseMs: number;
}

class SharedClaim<T> implements JobClaim<T> {
  readonly #options: SharedClaimOptions;
  readonly #job: T;
  readonly #keyAt: KeyAt;
  /** Changes with every move. */
  #key: StoreKey;
  #timer: Timer | undefined;
  #renewal: Promise<void> | undefined;

  constructor({ key, value }: StoreEntry<T>, options: SharedClaimOptions) {
    this.#options = options;
    this.#job = value;
    this.#key = key;
    this.#keyAt = (atMs) => [key[0]!, Math.round(atMs), key.at(-1)!];
  }

  async acquire(entry: StoreEntry<T>): Promise<boolean> {
    const key = this.#leaseKey();
    const sets = [{ key, value: this.#job }];
    if (!await this.#options.store.commit({ checks: [entry], deletes: [entry.key], sets })) {
      return false;
    }
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
      // The store is unavailable; the lease expires by itself.
    }
  }

  #leaseKey(): StoreKey {
    const { clock, leaseMs } = this.#options;
    return this.#keyAt(clock.now() + leaseMs);
  }

  #renewLater(): void {
    const { clock, leaseMs } = this.#options;
    this.#timer = clock.after(leaseMs / 3, () => {
      this.#renewal = this.#renew();
    });
  }

  async #renew(): Promise<void> {
    const key = this.#leaseKey();
    try {
      if (!await this.#move({ sets: [{ key, value: this.#job }] })) return;
      this.#key = key;
    } catch {
      // The store is unavailable; the lease lasts for one or two more attempts.
    }
    this.#renewLater();
  }

  /** False where another process has claimed the job. */
  async #move({ sets }: ReturnType<typeof setsOf>): Promise<boolean> {
    const entry = await this.#options.store.get(this.#key);
    return entry !== undefined &&
      await this.#options.store.commit({ checks: [entry], deletes: [entry.key], sets });
  }
}

function setsOf<T>(result: JobResult<T>, keyAt: KeyAt) {
  const sets: readonly { readonly key: StoreKey; readonly value: unknown }[] = result.done
    ? []
    : [{ key: keyAt(result.atMs), value: result.job }];
  return { sets };
}
