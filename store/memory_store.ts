/**
 * The store for tests and for running without a data file. Keeps everything in memory, until the
 * process ends. Has the order, limits and isolation of Deno KV; records expire by the given clock.
 */

import btree from "sorted-btree";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Commit, ListRange, Store, StoreEntry, StoreKey } from "../core/store.ts";
import { encodeKey, encodeRange } from "./_key_order.ts";
import { commitCost, type CommitTraits, KV_LIMITS } from "./limits.ts";

interface Stored {
  readonly key: StoreKey;
  readonly value: unknown;
  readonly version: string;
  readonly expiresAt: number | undefined;
}

/** Expired records removed per commit: more than one commit can usually add. */
const MAX_PURGE = 1_000;

/** A store in memory. */
export class MemoryStore implements Store {
  readonly traits: CommitTraits = { ...KV_LIMITS, durable: false, shared: false };
  readonly #clock: Pick<Clock, "now">;
  readonly #records = new Map<string, Stored>();
  readonly #keys = new btree.default<string, undefined>();
  /** Encoded expiry times, each followed by the key's text. */
  readonly #expiries = new btree.default<string, undefined>();
  #version = 0;
  #isClosed = false;

  constructor(options: { readonly clock: Pick<Clock, "now"> }) {
    this.#clock = options.clock;
  }

  // deno-lint-ignore require-await -- errors become rejections, as with every store
  async get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined> {
    this.#checkOpen();
    return this.#read<T>(encodeKey(key));
  }

  // deno-lint-ignore require-await
  async getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]> {
    this.#checkOpen();
    return keys.map((key) => this.#read<T>(encodeKey(key)));
  }

  async *list<T>(range: ListRange): AsyncGenerator<StoreEntry<T>> {
    const { lower, upper } = encodeRange(range);
    const { limit = Infinity, reverse = false } = range;
    const keys = this.#keys;
    let left = limit;
    let text = reverse ? keys.nextLowerKey(upper) : keys.getPairOrNextHigher(lower)?.[0];
    for (;;) {
      this.#checkOpen();
      if (left <= 0 || text === undefined || text < lower || text >= upper) return;
      const entry = this.#read<T>(text);
      if (entry !== undefined) {
        yield entry;
        left--;
      }
      text = reverse ? keys.nextLowerKey(text) : keys.nextHigherKey(text);
    }
  }

  // deno-lint-ignore require-await
  async commit(commit: Commit): Promise<boolean> {
    this.#checkOpen();
    commitCost(commit, this.traits);
    const sets = (commit.sets ?? []).map((set) => ({ ...set, value: structuredClone(set.value) }));
    this.#purge();
    for (const { key, version } of commit.checks ?? []) {
      if ((this.#read(encodeKey(key))?.version ?? null) !== version) return false;
    }
    const version = (++this.#version).toString(16).padStart(20, "0");
    for (const key of commit.deletes ?? []) this.#remove(encodeKey(key));
    for (const { key, value, expireInMs } of sets) {
      const expiresAt = expireInMs === undefined ? undefined : this.#clock.now() + expireInMs;
      this.#put(encodeKey(key), { key: [...key], value, version, expiresAt });
    }
    return true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #read<T>(text: string): StoreEntry<T> | undefined {
    const stored = this.#records.get(text);
    if (stored === undefined || this.#expired(stored)) return undefined;
    return { key: stored.key, value: structuredClone(stored.value) as T, version: stored.version };
  }

  #put(text: string, stored: Stored): void {
    const before = this.#records.get(text);
    if (before === undefined) this.#keys.set(text, undefined);
    else this.#forgetExpiry(text, before);
    this.#records.set(text, stored);
    if (stored.expiresAt !== undefined) {
      this.#expiries.set(encodeKey([stored.expiresAt]) + text, undefined);
    }
  }

  #remove(text: string): void {
    const stored = this.#records.get(text);
    if (stored === undefined) return;
    this.#records.delete(text);
    this.#keys.delete(text);
    this.#forgetExpiry(text, stored);
  }

  #forgetExpiry(text: string, { expiresAt }: Stored): void {
    if (expiresAt !== undefined) this.#expiries.delete(encodeKey([expiresAt]) + text);
  }

  #purge(): void {
    const upper = encodeKey([this.#clock.now()]);
    const due = this.#expiries.getRange("", upper, false, MAX_PURGE);
    for (const [entry] of due) this.#remove(entry.slice(upper.length));
  }

  #expired({ expiresAt }: Stored): boolean {
    return expiresAt !== undefined && expiresAt <= this.#clock.now();
  }

  #checkOpen(): void {
    if (this.#isClosed) {
      throw new ServiceError("store_unavailable", "Cannot use the store: it is closed");
    }
  }
}
