/**
 * A store on a data file with a journal in front. A commit without checks is durable once it is in
 * the journal, which costs one write. The next checkpoint writes all changes since the last one to
 * the data file; a record that was set and deleted in between never gets there. Reads of changes
 * that are not in the data file yet wait for a checkpoint, and so do commits with checks.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Commit, ListRange, Store, StoreEntry, StoreKey } from "../core/store.ts";
import { checkpointCommits, type PendingChanges } from "./_checkpoint_commits.ts";
import { type Journal, lockJournal, openJournal, readJournal } from "./_journal.ts";
import type { JournalRecord } from "./_journal_record.ts";
import { encodeKey } from "./_key_order.ts";
import { commitCost, type CommitTraits } from "./limits.ts";

interface JournaledStoreOptions {
  readonly clock: Clock;
  /** The path of the data file. */
  readonly path: string;
}

/** A checkpoint begins so long after the first change, or after so many bytes of changes. */
const CHECKPOINT_MS = 1_000;
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/**
 * Above so many bytes that are not in the data file, the answers to commits wait for the checkpoint.
 * In memory they take about three times as much.
 */
const MAX_WAITING_BYTES = 2 * CHECKPOINT_BYTES;

/**
 * Puts a journal in front of the store on a data file, and closes that store when it is closed.
 * First writes to the data file what an earlier process left in the journal.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function withJournal(
  store: Store & { readonly traits: CommitTraits },
  options: JournaledStoreOptions,
): Promise<Store> {
  const { path } = options;
  let lock: Disposable | undefined;
  try {
    lock = lockJournal(path);
    if (!lock) throw unavailable("open", { path, cause: "another process uses it" });
    const journaled = new JournaledStore(store, { ...options, lock, journal: openJournal(path) });
    await journaled.recover();
    return journaled;
  } catch (cause) {
    lock?.[Symbol.dispose]();
    await store[Symbol.asyncDispose]();
    if (cause instanceof ServiceError) throw cause;
    throw unavailable("read", { path, cause });
  }
}

class JournaledStore implements Store {
  readonly traits: CommitTraits;
  readonly #inner: Store;
  readonly #options: JournaledStoreOptions & { readonly lock: Disposable };
  readonly #journal: Journal;
  /** Changes since the last checkpoint. */
  #pending: PendingChanges = new Map();
  #pendingBytes = 0;
  /** Those of the pending keys that the data file has never had. */
  #onlyPending = new Set<string>();
  /** Changes that the checkpoint under way writes to the data file. */
  #writing: PendingChanges = new Map();
  #writingBytes = 0;
  /** Keys that are in the data file and still in the journal, which a start would apply again. */
  readonly #written = new Set<string>();
  /** Resolves when the checkpoint under way has made its next commit, or has ended. */
  #progress: PromiseWithResolvers<void> | undefined;
  #checkpoint: Promise<void> | undefined;
  /** The last failure. Commits are refused until a checkpoint has worked. */
  #fault: unknown;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(
    inner: Store & { readonly traits: CommitTraits },
    options: JournaledStoreOptions & { readonly journal: Journal; readonly lock: Disposable },
  ) {
    this.traits = inner.traits;
    this.#inner = inner;
    this.#options = options;
    this.#journal = options.journal;
  }

  /** Writes everything in the journal to the data file. */
  async recover(): Promise<void> {
    for await (const record of readJournal(this.#options.path)) this.#add(record);
    await this.#finishCheckpoint();
  }

  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    if (this.#has(key)) await this.#finishCheckpoint();
    return await this.#inner.get<T>(key);
  }

  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    if (keys.some((key) => this.#has(key))) await this.#finishCheckpoint();
    return await this.#inner.getMany<T>(keys);
  }

  async *list<T>(range: ListRange): AsyncGenerator<StoreEntry<T>> {
    if (this.#hasUnder(range.prefix)) await this.#finishCheckpoint();
    yield* this.#inner.list<T>(range);
  }

  async commit(commit: Commit): Promise<boolean> {
    const { checks = [], sets = [], deletes = [] } = commit;
    if (checks.length > 0) {
      const keys = [...checks, ...sets].map(({ key }) => key);
      if ([...keys, ...deletes].some((key) => this.#isInJournal(key))) {
        await this.#finishCheckpoint();
      }
      return await this.#inner.commit(commit);
    }
    commitCost(commit, this.traits); // throws where the data file could never take it
    if (this.#fault !== undefined) throw this.#fault;
    const now = this.#options.clock.now();
    const record = {
      sets: sets.map(({ key, value, expireInMs }) => ({
        key,
        value,
        ...(expireInMs !== undefined && { expiresAt: now + expireInMs }),
      })),
      deletes,
    };
    try {
      // The caller may change its values afterwards.
      const { size, own } = this.#journal.append(record);
      this.#pendingBytes += size;
      this.#add(own, sets);
    } catch (cause) {
      this.#fault = unavailable("write", { path: this.#options.path, cause });
      this.#scheduleCheckpoint();
      throw this.#fault;
    }
    if (this.#pendingBytes > CHECKPOINT_BYTES) this.#startCheckpoint();
    else this.#scheduleCheckpoint();
    await this.#waitForRoom();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    // Where that fails, the journal keeps the changes for the next start.
    await this.#finishCheckpoint().catch(() => {});
    this.#journal[Symbol.dispose]();
    await this.#inner[Symbol.asyncDispose]();
    this.#options.lock[Symbol.dispose]();
  }

  /** @param given the sets as the caller gave them */
  #add(
    { sets, deletes }: JournalRecord,
    given: NonNullable<Commit["sets"]> = [],
  ): void {
    for (const key of deletes) {
      const name = encodeKey(key);
      if (this.#onlyPending.delete(name)) this.#pending.delete(name);
      else this.#pending.set(name, { key });
    }
    for (const [at, { key, ...set }] of sets.entries()) {
      const name = encodeKey(key);
      if (given[at]?.isNew) this.#onlyPending.add(name);
      this.#pending.set(name, { key, set });
    }
  }

  /** Whether there is anything in the journal, or was when it failed. */
  get #isBehind(): boolean {
    return this.#pending.size > 0 || this.#pendingBytes > 0 || this.#fault !== undefined;
  }

  #has(key: StoreKey): boolean {
    if (this.#pending.size === 0 && this.#writing.size === 0) return false;
    const text = encodeKey(key);
    return this.#pending.has(text) || this.#writing.has(text);
  }

  #isInJournal(key: StoreKey): boolean {
    return this.#has(key) || (this.#written.size > 0 && this.#written.has(encodeKey(key)));
  }

  #hasUnder(prefix: StoreKey): boolean {
    const text = encodeKey(prefix);
    for (const changes of [this.#writing, this.#pending]) {
      for (const key of changes.keys()) if (key.startsWith(text)) return true;
    }
    return false;
  }

  /** Resolves when all changes so far are in the data file. */
  async #finishCheckpoint(): Promise<void> {
    await this.#checkpoint;
    this.#startCheckpoint();
    await this.#checkpoint;
    if (this.#fault !== undefined) throw this.#fault;
  }

  /**
   * Delays the answer to a commit while too much waits for the data file, so that callers bring no
   * more than it takes. The commit is durable already.
   */
  async #waitForRoom(): Promise<void> {
    while (this.#checkpoint && this.#pendingBytes + this.#writingBytes > MAX_WAITING_BYTES) {
      this.#progress ??= Promise.withResolvers();
      await this.#progress.promise;
    }
  }

  #madeProgress(): void {
    this.#progress?.resolve();
    this.#progress = undefined;
  }

  #scheduleCheckpoint(): void {
    if (this.#isClosed || this.#checkpoint) return;
    this.#timer ??= this.#options.clock.after(CHECKPOINT_MS, () => this.#startCheckpoint());
  }

  #startCheckpoint(): void {
    if (this.#checkpoint || !this.#isBehind) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#checkpoint = this.#write().then(() => {
      this.#checkpoint = undefined;
      const isAtOnce = this.#pendingBytes > CHECKPOINT_BYTES && this.#fault === undefined;
      if (isAtOnce && !this.#isClosed) this.#startCheckpoint();
      else if (this.#isBehind) this.#scheduleCheckpoint();
      this.#madeProgress();
    });
  }

  /** Never rejects: where it fails, what is not written yet stays and is written later. */
  async #write(): Promise<void> {
    const number = this.#journal.rotate();
    const [changes, bytes] = [this.#pending, this.#pendingBytes];
    const count = changes.size;
    [this.#writing, this.#writingBytes] = [changes, bytes];
    [this.#pending, this.#pendingBytes] = [new Map(), 0];
    this.#onlyPending = new Set();
    try {
      const options = { traits: this.traits, now: this.#options.clock.now() };
      for (const { commit, names } of checkpointCommits(changes, options)) {
        await this.#inner.commit(commit);
        for (const name of names) {
          changes.delete(name);
          this.#written.add(name);
        }
        this.#writingBytes = bytes * changes.size / count;
        this.#madeProgress();
      }
      await this.#journal.removeUpTo(number);
      this.#written.clear();
      this.#fault = undefined;
    } catch (thrown) {
      this.#fault = thrown instanceof ServiceError
        ? thrown
        : unavailable("write", { path: this.#options.path, cause: thrown });
      for (const [key, change] of this.#pending) changes.set(key, change);
      this.#pending = changes;
      this.#pendingBytes += this.#writingBytes;
    }
    [this.#writing, this.#writingBytes] = [new Map(), 0];
  }
}

function unavailable(
  action: string,
  { path, cause }: { readonly path: string; readonly cause: unknown },
): ServiceError {
  return new ServiceError(
    "store_unavailable",
    `Cannot ${action} the journal of ${path}: ${messageOf(cause)}`,
    { cause, retryAfterSeconds: 1 },
  );
}
