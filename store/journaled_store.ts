/**
 * A store on a data file with a journal in front. A commit without checks is durable once it is in
 * the journal, which costs one write, and reaches the data file at the next checkpoint together with
 * all that has gathered; what was set and deleted in between never does. Whoever reads what is on its
 * way there waits for the checkpoint, and so does a commit with checks.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Commit, ListRange, Store, StoreEntry, StoreKey } from "../core/store.ts";
import { lockJournal, openJournal, readJournal } from "./_journal.ts";
import type { Journal } from "./_journal.ts";
import { encodeKey } from "./_key_order.ts";
import { type CommitCost, commitCost, type CommitTraits, fits, plusCost } from "./limits.ts";

/** What a {@link JournaledStore} is made of. */
export interface JournaledStoreOptions {
  readonly clock: Clock;
  /** Of the data file. */
  readonly path: string;
}

/** A change that has not reached the data file. */
interface Pending {
  readonly key: StoreKey;
  /** Absent where the record is deleted. */
  readonly set?: { readonly value: unknown; readonly expiresAt?: number };
}

type Changes = Map<string, Pending>;

/** How long the first change waits for a checkpoint at most, and how much may gather. */
const CHECKPOINT_MS = 1_000;
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** A larger commit would keep the event loop busy for longer than anybody likes to wait. */
const COMMIT_CHANGES = 64;
const COMMIT_BYTES = 256 * 1024;
const NO_COST: CommitCost = { changes: 0, bytes: 0, keyBytes: 0 };

/**
 * Puts a journal in front of the store on a data file, which it owns from then on. What a process
 * before left in its journal is brought to the data file first.
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
    if (!lock) throw unavailable("open", { path, cause: "another process has it" });
    const journaled = new JournaledStore(store, {
      ...options,
      ...{ lock, journal: await openJournal(path) },
    });
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
  #gathering: Changes = new Map();
  #gatheringBytes = 0;
  /** What a checkpoint is bringing to the data file. */
  #writing: Changes = new Map();
  #checkpoint: Promise<void> | undefined;
  /** What failed last; until a checkpoint has worked since, nothing more is taken. */
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

  /** Brings everything that is in the journal to the data file. */
  async recover(): Promise<void> {
    for await (const { sets, deletes } of readJournal(this.#options.path)) {
      // What was read is part of a larger buffer, all of which would be stored.
      this.#gather({ sets: sets.map((set) => ({ ...set, value: copyOf(set.value) })), deletes });
    }
    await this.#settle();
  }

  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    if (this.#has(key)) await this.#settle();
    return await this.#inner.get<T>(key);
  }

  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    if (keys.some((key) => this.#has(key))) await this.#settle();
    return await this.#inner.getMany<T>(keys);
  }

  async *list<T>(range: ListRange): AsyncGenerator<StoreEntry<T>> {
    if (this.#hasBelow(range.prefix)) await this.#settle();
    yield* this.#inner.list<T>(range);
  }

  async commit(commit: Commit): Promise<boolean> {
    const { checks = [], sets = [], deletes = [] } = commit;
    if (checks.length > 0) {
      const keys = [...checks, ...sets].map(({ key }) => key);
      if ([...keys, ...deletes].some((key) => this.#has(key))) await this.#settle();
      return await this.#inner.commit(commit);
    }
    commitCost(commit, this.traits); // throws where the data file could never take it
    if (this.#fault !== undefined) throw this.#fault;
    const now = this.#options.clock.now();
    const record = {
      sets: sets.map(({ key, value, expireInMs }) => ({
        key,
        value: copyOf(value), // what its owner changes afterwards is not stored
        ...(expireInMs !== undefined && { expiresAt: now + expireInMs }),
      })),
      deletes,
    };
    try {
      this.#gatheringBytes += this.#journal.append(record);
    } catch (cause) {
      this.#fault = unavailable("write", { path: this.#options.path, cause });
      this.#later();
      throw this.#fault;
    }
    this.#gather(record);
    if (this.#gatheringBytes > CHECKPOINT_BYTES) this.#begin();
    else this.#later();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#timer?.cancel();
    // Where that fails, the journal keeps it for the next start.
    await this.#settle().catch(() => {});
    this.#journal[Symbol.dispose]();
    await this.#inner[Symbol.asyncDispose]();
    this.#options.lock[Symbol.dispose]();
  }

  #gather({ sets, deletes }: Parameters<Journal["append"]>[0]): void {
    for (const key of deletes) this.#gathering.set(encodeKey(key), { key });
    for (const { key, ...set } of sets) this.#gathering.set(encodeKey(key), { key, set });
  }

  #has(key: StoreKey): boolean {
    if (this.#gathering.size === 0 && this.#writing.size === 0) return false;
    const text = encodeKey(key);
    return this.#gathering.has(text) || this.#writing.has(text);
  }

  #hasBelow(prefix: StoreKey): boolean {
    const text = encodeKey(prefix);
    for (const changes of [this.#writing, this.#gathering]) {
      for (const key of changes.keys()) if (key.startsWith(text)) return true;
    }
    return false;
  }

  /** Resolves when everything given so far is in the data file. */
  async #settle(): Promise<void> {
    await this.#checkpoint;
    this.#begin();
    await this.#checkpoint;
    if (this.#fault !== undefined) throw this.#fault;
  }

  #later(): void {
    if (this.#isClosed || this.#checkpoint) return;
    this.#timer ??= this.#options.clock.after(CHECKPOINT_MS, () => this.#begin());
  }

  #begin(): void {
    if (this.#checkpoint || (this.#gathering.size === 0 && this.#fault === undefined)) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#checkpoint = this.#write().then(() => {
      this.#checkpoint = undefined;
      if (this.#gathering.size > 0 || this.#fault !== undefined) this.#later();
    });
  }

  /** Never rejects: what failed stays, and is written again. */
  async #write(): Promise<void> {
    const number = this.#journal.rotate();
    this.#writing = this.#gathering;
    this.#gathering = new Map();
    this.#gatheringBytes = 0;
    try {
      for (const commit of this.#commits()) await this.#inner.commit(commit);
      await this.#journal.removeUpTo(number);
      this.#fault = undefined;
    } catch (thrown) {
      this.#fault = thrown instanceof ServiceError
        ? thrown
        : unavailable("write", { path: this.#options.path, cause: thrown });
      for (const [key, change] of this.#gathering) this.#writing.set(key, change);
      this.#gathering = this.#writing;
    }
    this.#writing = new Map();
  }

  /** All that is being written, in small commits: a crash in between writes all of it anew. */
  *#commits(): Generator<Commit> {
    const now = this.#options.clock.now();
    const limits = {
      ...this.traits,
      maxCommitChanges: COMMIT_CHANGES,
      maxCommitBytes: COMMIT_BYTES,
    };
    let sets: NonNullable<Commit["sets"]>[number][] = [];
    let deletes: StoreKey[] = [];
    let cost = NO_COST;
    for (const { key, set } of this.#writing.values()) {
      const isSet = set !== undefined && (set.expiresAt ?? Infinity) > now;
      const change = isSet ? { sets: [{ key, value: set.value }] } : { deletes: [key] };
      const own = commitCost(change, this.traits);
      if (cost.changes > 0 && !fits(plusCost(cost, own), limits)) {
        yield { sets, deletes };
        [sets, deletes, cost] = [[], [], NO_COST];
      }
      cost = plusCost(cost, own);
      if (!isSet) deletes.push(key);
      else if (set.expiresAt === undefined) sets.push({ key, value: set.value });
      else sets.push({ key, value: set.value, expireInMs: set.expiresAt - now });
    }
    if (sets.length + deletes.length > 0) yield { sets, deletes };
  }
}

/** Plain data, with bytes in buffers of their own. */
function copyOf(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return new Uint8Array(value);
  if (Array.isArray(value)) return value.map(copyOf);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, copyOf(each)]));
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
