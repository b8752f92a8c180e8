/**
 * The attributes of contexts and users: the admin API writes them, and every notification reads them.
 * Records are in the store. Recently used records, and their absence, are cached, so that the cascade
 * can answer without a promise. A write on this node takes effect at once; a write of another node
 * when its change arrives and this node drops the cached record.
 */

import type { Change } from "../core/change_feed.ts";
import { ServiceError } from "../core/errors.ts";
import { userKey } from "../core/notification.ts";
import { LruCache } from "../core/lru_cache.ts";
import type { Store, StoreEntry, StoreKey } from "../core/store.ts";
import {
  type ContextInput,
  type ContextPatch,
  type ContextRecord,
  contextRecord,
  patchedContext,
  patchedUser,
  type UserInput,
  type UserPatch,
  type UserRecord,
  userRecord,
} from "./_attribute_records.ts";

/** The records of a user and of its context; `null` where there is none. */
export interface AttributeOwner {
  readonly context: ContextRecord | null;
  readonly user: UserRecord | null;
}

interface AttributeUser {
  readonly context: string;
  readonly user: string;
}

interface AttributesOptions {
  readonly store: Store;
  /** The most cached users, and as many contexts. @default {100_000} */
  readonly capacity?: number;
  /** Called for each record that was, or may have been, changed on this node. */
  readonly onChanged?: (change: Change) => void;
}

const ATTEMPTS = 5;

/** Reads and writes attributes. Every method may throw `ServiceError` `store_unavailable`. */
export class Attributes {
  readonly #store: Store;
  readonly #onChanged: ((change: Change) => void) | undefined;
  readonly #contexts: LruCache<ContextRecord | null>;
  readonly #users: LruCache<UserRecord | null>;
  readonly #loading = new Map<string, Promise<AttributeOwner>>();
  /** Counts writes, so that a read that overlapped one does not cache the old record. */
  #writes = 0;
  /** Writes are sequential, so that the cache contains what was written last. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor({ store, capacity = 100_000, onChanged }: AttributesOptions) {
    this.#store = store;
    this.#onChanged = onChanged;
    this.#contexts = new LruCache(capacity);
    this.#users = new LruCache(capacity);
  }

  /** Returns the records of a user and its context; without a promise where both are cached. */
  lookUp(context: string, user: string): AttributeOwner | Promise<AttributeOwner> {
    const contextRecord = this.#contexts.get(context);
    const key = userKey(context, user);
    const userRecord = this.#users.get(key);
    if (contextRecord !== undefined && userRecord !== undefined) {
      return { context: contextRecord, user: userRecord };
    }
    const loading = this.#loading.get(key) ??
      this.#load(context, user).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  /** Reads the record of a context. */
  async context(context: string): Promise<ContextRecord | undefined> {
    return (await this.#store.get<ContextRecord>(contextKey(context)))?.value;
  }

  /** Reads the record of a user. */
  async user(context: string, user: string): Promise<UserRecord | undefined> {
    return (await this.#store.get<UserRecord>(userRecordKey(context, user)))?.value;
  }

  /**
   * Replaces the record of a context.
   *
   * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`
   */
  replaceContext(context: string, input: ContextInput): Promise<ContextRecord> {
    return this.#writeContext(context, () => contextRecord(input));
  }

  /**
   * Changes parts of the record of a context.
   *
   * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`, `conflict`
   */
  patchContext(context: string, patch: ContextPatch): Promise<ContextRecord> {
    return this.#writeContext(context, (now) => contextRecord(patchedContext(now, patch)));
  }

  /** Deletes the record of a context, not those of its users. Returns whether there was one. */
  async deleteContext(context: string): Promise<boolean> {
    let existed = false;
    await this.#write<ContextRecord>(contextKey(context), {
      owner: { context },
      change: (now) => (existed = now !== undefined, null),
      cache: this.#contexts,
      cacheKey: context,
    });
    return existed;
  }

  /**
   * Replaces the record of a user.
   *
   * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`
   */
  replaceUser(
    name: AttributeUser,
    input: UserInput,
  ): Promise<UserRecord> {
    return this.#writeUser(name, () => userRecord(input));
  }

  /**
   * Changes parts of the record of a user.
   *
   * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`, `conflict`
   */
  patchUser(
    name: AttributeUser,
    patch: UserPatch,
  ): Promise<UserRecord> {
    return this.#writeUser(name, (now) => userRecord(patchedUser(now, patch)));
  }

  /** Deletes the record of a user. Returns whether there was one. */
  async deleteUser(context: string, user: string): Promise<boolean> {
    let existed = false;
    await this.#write<UserRecord>(userRecordKey(context, user), {
      owner: { context, user },
      change: (now) => (existed = now !== undefined, null),
      cache: this.#users,
      cacheKey: userKey(context, user),
    });
    return existed;
  }

  /** Drops the cached record of a user, or of a context, which another node has changed. */
  forget(context: string, user?: string): void {
    this.#writes++;
    // A read in progress may have missed the change, so later callers must not share it.
    if (user === undefined) {
      this.#contexts.delete(context);
      this.#loading.clear();
    } else {
      const key = userKey(context, user);
      this.#users.delete(key);
      this.#loading.delete(key);
    }
  }

  /** Drops all cached records, because changes by other nodes may have been missed. */
  forgetAll(): void {
    this.#writes++;
    this.#contexts.clear();
    this.#users.clear();
    this.#loading.clear();
  }

  async #load(context: string, user: string): Promise<AttributeOwner> {
    const writes = this.#writes;
    const keys = [contextKey(context), userRecordKey(context, user)];
    const [ofContext, ofUser] = await this.#store.getMany(keys);
    const owner: AttributeOwner = {
      context: (ofContext as StoreEntry<ContextRecord> | undefined)?.value ?? null,
      user: (ofUser as StoreEntry<UserRecord> | undefined)?.value ?? null,
    };
    if (writes === this.#writes) {
      // A cached context keeps its record object: views are identified by it.
      const known = this.#contexts.get(context);
      if (known === undefined) this.#contexts.set(context, owner.context);
      this.#users.set(userKey(context, user), owner.user);
    }
    const cached = this.#contexts.get(context);
    return cached === undefined ? owner : { context: cached, user: owner.user };
  }

  #writeContext(
    context: string,
    change: (now: ContextRecord | undefined) => ContextRecord,
  ): Promise<ContextRecord> {
    return this.#write(contextKey(context), {
      owner: { context },
      change,
      cache: this.#contexts,
      cacheKey: context,
    }) as Promise<ContextRecord>;
  }

  #writeUser(
    { context, user }: AttributeUser,
    change: (now: UserRecord | undefined) => UserRecord,
  ): Promise<UserRecord> {
    return this.#write(userRecordKey(context, user), {
      owner: { context, user },
      change,
      cache: this.#users,
      cacheKey: userKey(context, user),
    }) as Promise<UserRecord>;
  }

  #write<T extends object>(key: StoreKey, options: Write<T>): Promise<T | null> {
    const done = this.#lastWrite.then(() => this.#writeNow(key, options));
    this.#lastWrite = done.catch(() => {});
    return done;
  }

  async #writeNow<T extends object>(
    key: StoreKey,
    { owner, change, cache, cacheKey }: Write<T>,
  ): Promise<T | null> {
    const changed = { kind: "attributes", ...owner } as const;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = await this.#store.get<T>(key);
      const record = change(now?.value);
      const checks = [{ key, version: now?.version ?? null }];
      const commit = record === null
        ? { checks, deletes: [key] }
        : { checks, sets: [{ key, value: record }] };
      try {
        if (!await this.#store.commit(commit)) continue;
      } catch (thrown) {
        // The commit may have succeeded although its answer failed.
        this.#writes++;
        cache.delete(cacheKey);
        this.#onChanged?.(changed);
        throw thrown;
      }
      this.#writes++;
      cache.set(cacheKey, record);
      this.#onChanged?.(changed);
      return record;
    }
    throw new ServiceError(
      "conflict",
      "Cannot set the attributes: other requests keep changing them; try again",
    );
  }
}

/** A change to one record. */
interface Write<T extends object> {
  readonly owner: { readonly context: string; readonly user?: string };
  /** Returns the new record; `null` deletes it. */
  readonly change: (now: T | undefined) => T | null;
  readonly cache: LruCache<T | null>;
  readonly cacheKey: string;
}

function contextKey(context: string): StoreKey {
  return ["config", "context", context];
}

function userRecordKey(context: string, user: string): StoreKey {
  return ["config", "user", context, user];
}
