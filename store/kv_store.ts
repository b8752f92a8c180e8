/**
 * The store on Deno KV: on a file, in memory, or the platform's own on Deno Deploy. Has KV's limits
 * and order, waits briefly where the file is locked, and turns every failure of the file into
 * `store_unavailable`. One handle per process; processes share the platform's KV, never a file.
 */

import { sleep } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Commit, ListRange, Store, StoreEntry, StoreKey } from "../core/store.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import { encodeKey } from "./_key_order.ts";
import { keyBehind, type KeyRun, keyRunsOf } from "./_neighbors.ts";
import { type CommitTraits, KV_LIMITS } from "./limits.ts";

/** Settings of {@link KvStore}. */
export type KvStoreOptions = Pick<SystemDeps, "clock" | "random">;

const LOCKED = "database is locked";
const MAX_ATTEMPTS = 8;
const FIRST_WAIT_MS = 10;
const LIST_BATCH = 64;
/** Keys that follow each other are listed where they are at least so many. */
const LEAST_SORTED = 32;
/** Entries of a run that are listed at once, at first and at most. */
const FIRST_OF_RUN = 16;
const MAX_OF_RUN = 256;

/** Messages of Deno for mistakes of the caller, which say nothing about the store. */
const CALLER_ERROR = /\(max \d+|could not be cloned|expireIn must be|Key cannot be empty/;

/**
 * Opens Deno KV on a file or on `:memory:`, or the platform's own where there is no path.
 *
 * @throws {ServiceError} `store_unavailable`, naming the file, where it cannot be opened or read
 */
export async function openKvStore(
  path: string | undefined,
  options: KvStoreOptions,
): Promise<KvStore> {
  const name = path ?? "the platform's Deno KV";
  let kv: Deno.Kv;
  try {
    kv = await Deno.openKv(path);
  } catch (cause) {
    throw unavailable("open", { name, cause });
  }
  const store = new KvStore(kv, {
    ...{ ...options, name, durable: path !== ":memory:" },
    // The platform gives the same KV to every isolate.
    shared: path === undefined,
  });
  try {
    // Opening reads nothing, so only a read shows that a file is damaged.
    await store.get(["open"]);
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
  return store;
}

/** A store on a KV handle, which it closes. */
export class KvStore implements Store {
  readonly traits: CommitTraits;
  readonly #kv: Deno.Kv;
  readonly #options: KvStoreOptions & { readonly name: string };
  #isClosed = false;

  constructor(
    kv: Deno.Kv,
    options: KvStoreOptions & {
      readonly name: string;
      readonly durable: boolean;
      /** Other processes use the same KV. @default {false} */
      readonly shared?: boolean;
    },
  ) {
    this.#kv = kv;
    this.#options = options;
    this.traits = { ...KV_LIMITS, durable: options.durable, shared: options.shared ?? false };
  }

  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    return entryOf(await this.#attempt("read", () => this.#kv.get<T>(key)));
  }

  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    if (keys.length < LEAST_SORTED) return await this.#lookUp(keys);
    const read = keyRunsOf(keys, LEAST_SORTED).map((run) =>
      run.isSorted ? this.#readRun<T>(run) : this.#lookUp<T>(run.keys)
    );
    return (await Promise.all(read)).flat();
  }

  async *list<T>({ prefix, start, end, limit, reverse }: ListRange): AsyncGenerator<StoreEntry<T>> {
    if (limit !== undefined && limit <= 0) return;
    const options: Deno.KvListOptions = {
      batchSize: Math.max(1, Math.min(limit ?? LIST_BATCH, LIST_BATCH)),
      ...(limit === undefined ? {} : { limit }),
      ...(reverse === undefined ? {} : { reverse }),
    };
    const entries = this.#kv.list<T>(selector(prefix, { start, end }), options);
    for (;;) {
      const next = await this.#attempt("read", () => entries.next());
      if (next.done) return;
      const { key, value, versionstamp } = next.value;
      yield { key: key as StoreKey, value, version: versionstamp };
    }
  }

  async commit({ checks = [], sets = [], deletes = [] }: Commit): Promise<boolean> {
    const result = await this.#attempt("write", () => {
      const atomic = this.#kv.atomic();
      for (const { key, version } of checks) atomic.check({ key, versionstamp: version });
      for (const key of deletes) atomic.delete(key);
      for (const { key, value, expireInMs } of sets) {
        // KV takes whole milliseconds; round up, so that a record never expires early.
        if (expireInMs === undefined) atomic.set(key, value);
        else atomic.set(key, value, { expireIn: Math.max(0, Math.ceil(expireInMs)) });
      }
      return atomic.commit();
    });
    return result.ok;
  }

  /**
   * Yields a record now and after changes by any process, until the signal is aborted. Several
   * changes may come as one. Must end before the store is closed.
   */
  async *watch<T>(
    key: StoreKey,
    signal: AbortSignal,
  ): AsyncGenerator<StoreEntry<T> | undefined> {
    const reader = this.#kv.watch<T[]>([key]).getReader();
    let cancelled: Promise<void> | undefined;
    const cancel = () => cancelled ??= reader.cancel().catch(() => {});
    signal.addEventListener("abort", cancel);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        yield entryOf(value[0]!);
      }
    } finally {
      signal.removeEventListener("abort", cancel);
      await cancel();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.#kv.close();
    this.#isClosed = true;
    return Promise.resolve();
  }

  /** Looks keys up, in calls of as many as KV takes. */
  async #lookUp<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    const { maxGetMany } = this.traits;
    const chunks: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
    for (let at = 0; at < keys.length; at += maxGetMany) {
      const chunk = keys.slice(at, at + maxGetMany);
      chunks.push(this.#attempt("read", () => this.#kv.getMany<T[]>(chunk)));
    }
    return (await Promise.all(chunks)).flat().map(entryOf);
  }

  /**
   * Lists what there is from the first key to the last, and looks the rest up where most of it are
   * others' records.
   */
  async #readRun<T>(
    { keys, texts }: KeyRun,
  ): Promise<readonly (StoreEntry<T> | undefined)[]> {
    const found = new Array<StoreEntry<T> | undefined>(keys.length).fill(undefined);
    const end = keyBehind(keys.at(-1)!);
    let start = keys[0]!;
    /** Keys before this one are in `found`, or do not exist. */
    let at = 0;
    for (let size = FIRST_OF_RUN;; size = Math.min(4 * size, MAX_OF_RUN)) {
      const options = { limit: size, batchSize: size };
      const entries = await this.#attempt(
        "read",
        () => Array.fromAsync(this.#kv.list<T>({ start, end }, options)),
      );
      let hits = 0;
      for (const entry of entries) {
        const text = encodeKey(entry.key as StoreKey);
        while (at < texts.length && texts[at]! < text) at++;
        if (texts[at] !== text) continue;
        found[at++] = entryOf(entry);
        hits++;
      }
      if (entries.length < size) return found;
      if (hits < size / 4) {
        return [...found.slice(0, at), ...await this.#lookUp<T>(keys.slice(at))];
      }
      start = keyBehind(entries.at(-1)!.key as StoreKey);
    }
  }

  /** Runs an operation; repeats it after a random wait while another handle locks the file. */
  async #attempt<R>(action: string, run: () => Promise<R>): Promise<R> {
    const { clock, random, name } = this.#options;
    for (let attempt = 1;; attempt++) {
      try {
        return await run();
      } catch (cause) {
        const message = messageOf(cause);
        if (CALLER_ERROR.test(message)) throw cause;
        if (attempt >= MAX_ATTEMPTS || !message.includes(LOCKED)) {
          throw unavailable(action, { name, cause });
        }
        await sleep(clock, random() * FIRST_WAIT_MS * 2 ** attempt);
      }
    }
  }
}

function selector(
  prefix: StoreKey,
  { start, end }: { readonly start: StoreKey | undefined; readonly end: StoreKey | undefined },
): Deno.KvListSelector {
  // KV refuses all three at once. Both ends are within the prefix anyway.
  if (start !== undefined && end !== undefined) return { start, end };
  if (start !== undefined) return { prefix, start };
  if (end !== undefined) return { prefix, end };
  return { prefix };
}

function entryOf<T>(entry: Deno.KvEntryMaybe<T>): StoreEntry<T> | undefined {
  if (entry.versionstamp === null) return undefined;
  return { key: entry.key as StoreKey, value: entry.value, version: entry.versionstamp };
}

function unavailable(
  action: string,
  { name, cause }: { readonly name: string; readonly cause: unknown },
): ServiceError {
  return new ServiceError(
    "store_unavailable",
    `Cannot ${action} the data file ${name}: ${messageOf(cause)}`,
    { cause, retryAfterSeconds: 1 },
  );
}
