/**
 * The attributes of contexts and users: written by the admin API, read for every notification.
 * Records live in the store; those used lately, and the knowledge that somebody has none, are kept
 * in memory, so that the cascade can answer without waiting. What is written here counts at once;
 * what another node wrote, once this one is told to forget what it has.
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

/** The records of a user and of its context; `null`: there is none. */
export interface AttributeOwner {
  readonly context: ContextRecord | null;
  readonly user: UserRecord | null;
}

/** Names one user. */
interface AttributeUser {
  readonly context: string;
  readonly user: string;
}

/** What {@link Attributes} needs. */
interface AttributesOptions {
  readonly store: Store;
  /**
   * Users, and as many contexts, of which is remembered what they have.
   *
   * @default {100_000}
   */
  readonly capacity?: number;
  /** Told of each record that was, or may have been, changed here. */
  readonly onChanged?: (change: Change) => void;
}

const ATTEMPTS = 5;

/** Every method that reads or writes throws `ServiceError` `store_unavailable` as the store does. */
export class Attributes {
  readonly #store: Store;
  readonly #onChanged: ((change: Change) => void) | undefined;
  readonly #contexts: LruCache<ContextRecord | null>;
  readonly #users: LruCache<UserRecord | null>;
  readonly #loading = new Map<string, Promise<AttributeOwner>>();
  /** Counts writes, so that a read that overlapped one does not put back what was there before. */
  #writes = 0;
  /** Writes happen one after the other: what is in memory must be what was written last. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor({ store, capacity = 100_000, onChanged }: AttributesOptions) {
    this.#store = store;
    this.#onChanged = onChanged;
    this.#contexts = new LruCache(capacity);
    this.#users = new LruCache(capacity);
  }

  /** Both records of a user; at once where they are known. */
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

  /** The record of a context. */
  async context(context: string): Promise<ContextRecord | undefined> {
    return (await this.#store.get<ContextRecord>(contextKey(context)))?.value;
  }

  /** The record of a user. */
  async user(context: string, user: string): Promise<UserRecord | undefined> {
    return (await this.#store.get<UserRecord>(userRecordKey(context, user)))?.value;
  }

  /**
   * Sets the whole record of a context.
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

  /** Removes the record of a context, not those of its users. False where there was none. */
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
   * Sets the whole record of a user.
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

  /** Removes the record of a user. False where there was none. */
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

  /** Reads anew what another node may have changed: a user's record, or else a context's. */
  forget(context: string, user?: string): void {
    this.#writes++;
    // A read under way may have missed the change: nobody else is to share it.
    if (user === undefined) {
      this.#contexts.delete(context);
      this.#loading.clear();
    } else {
      const key = userKey(context, user);
      this.#users.delete(key);
      this.#loading.delete(key);
    }
  }

  /** Reads everything anew, for where changes by other nodes may have been missed. */
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
      // A context that is known keeps its record object: views are told apart by it.
      const known = this.#contexts.get(context);
      if (known === undefined) this.#contexts.set(context, owner.context);
      this.#users.set(userKey(context, user), owner.user);
    }
    const remembered = this.#contexts.get(context);
    return remembered === undefined ? owner : { context: remembered, user: owner.user };
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
        // It may have been written all the same.
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
      "Cannot set the attributes: somebody else keeps changing them",
    );
  }
}

/** A change to one record. */
interface Write<T extends object> {
  readonly owner: { readonly context: string; readonly user?: string };
  /** What the record shall be; `null` removes it. */
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
