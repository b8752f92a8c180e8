/**
 * The attributes of contexts and users: the admin API writes them, and every notification reads them.
 * Records are in the store. Recently used records, and their absence, are cached, so that the cascade
 * can answer without a promise. A write on this node takes effect at once; a write of another node
 * when its change arrives and this node drops the cached record.
 */

import type { Change } from "../core/change_feed.ts";
import { ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import { userKey } from "../core/notification.ts";
import { LruCache } from "../core/lru_cache.ts";
import type { Store, StoreKey } from "../core/store.ts";
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

type ContextName = Pick<UserName, "context">;

interface GatheredLoad {
  readonly owners: UserName[];
  readonly found: Promise<readonly AttributeOwner[]>;
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
  /** The records of contexts. Those of their users are independent of them. */
  readonly contexts: AttributeRecords<ContextName, ContextRecord, ContextInput, ContextPatch>;
  readonly users: AttributeRecords<UserName, UserRecord, UserInput, UserPatch>;
  readonly #loading = new Map<string, Promise<AttributeOwner>>();
  /** Users whose records are read with the next microtask, together. */
  #gathering: GatheredLoad | undefined;
  /** Counts writes, so that a read that overlapped one does not cache the old record. */
  #writes = 0;

  constructor({ store, capacity = 100_000, onChanged }: AttributesOptions) {
    this.#store = store;
    const onWritten = (owner: ContextName) => {
      this.#writes++;
      onChanged?.({ kind: "attributes", ...owner });
    };
    this.contexts = new AttributeRecords({
      ...{ store, capacity, onWritten },
      storeKey: contextKey,
      cacheKey: ({ context }) => context,
      check: contextRecord,
      patched: patchedContext,
    });
    this.users = new AttributeRecords({
      ...{ store, capacity, onWritten },
      storeKey: userRecordKey,
      cacheKey: ({ context, user }) => userKey(context, user),
      check: userRecord,
      patched: patchedUser,
    });
  }

  /** Returns the records of a user and its context; without a promise where both are cached. */
  lookUp(context: string, user: string): AttributeOwner | Promise<AttributeOwner> {
    const contextRecord = this.contexts.cache.get(context);
    const key = userKey(context, user);
    const userRecord = this.users.cache.get(key);
    if (contextRecord !== undefined && userRecord !== undefined) {
      return { context: contextRecord, user: userRecord };
    }
    const loading = this.#loading.get(key) ??
      this.#gather({ context, user }).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  /** Drops the cached record of a user, or of a context, which another node has changed. */
  forget(context: string, user?: string): void {
    this.#writes++;
    // A read in progress may have missed the change, so later callers must not share it.
    if (user === undefined) {
      this.contexts.cache.delete(context);
      this.#loading.clear();
    } else {
      const key = userKey(context, user);
      this.users.cache.delete(key);
      this.#loading.delete(key);
    }
  }

  /** Drops all cached records, because changes by other nodes may have been missed. */
  forgetAll(): void {
    this.#writes++;
    this.contexts.cache.clear();
    this.users.cache.clear();
    this.#loading.clear();
  }

  #gather(owner: UserName): Promise<AttributeOwner> {
    const owners: UserName[] = [];
    this.#gathering ??= {
      owners,
      found: Promise.resolve().then(() => {
        this.#gathering = undefined;
        return this.#load(owners);
      }),
    };
    const at = this.#gathering.owners.push(owner) - 1;
    return this.#gathering.found.then((found) => found[at]!);
  }

  /** Reads the records of many users, and of their contexts, at once. */
  async #load(owners: readonly UserName[]): Promise<readonly AttributeOwner[]> {
    const writes = this.#writes;
    const names = [...new Set(owners.map(({ context }) => context))];
    const found = await this.#store.getMany<object>([
      ...names.map((context) => contextKey({ context })),
      ...owners.map(userRecordKey),
    ]);
    const isCurrent = writes === this.#writes;
    const { cache } = this.contexts;
    const contexts = new Map(names.map((context, at) => {
      const read = found[at]?.value as ContextRecord | undefined ?? null;
      // A cached context keeps its record object: views are identified by it.
      if (isCurrent && cache.get(context) === undefined) cache.set(context, read);
      const cached = cache.get(context);
      return [context, cached === undefined ? read : cached];
    }));
    return owners.map(({ context, user }, at) => {
      const ofUser = found[names.length + at]?.value as UserRecord | undefined ?? null;
      if (isCurrent) this.users.cache.set(userKey(context, user), ofUser);
      return { context: contexts.get(context)!, user: ofUser };
    });
  }
}

interface AttributeRecordsOptions<Owner, Stored extends object, Input, Patch> {
  readonly store: Store;
  readonly capacity: number;
  readonly storeKey: (owner: Owner) => StoreKey;
  readonly cacheKey: (owner: Owner) => string;
  /** Makes a record of valid input; throws as `replace` does. */
  readonly check: (input: Input) => Stored;
  readonly patched: (now: Stored | undefined, patch: Patch) => Input;
  /** Called for each record that was, or may have been, written. */
  readonly onWritten: (owner: Owner) => void;
}

/** The records of contexts, or those of users. */
export class AttributeRecords<Owner, Stored extends object, Input, Patch> {
  /** `null` where a record does not exist. */
  readonly cache: LruCache<Stored | null>;
  readonly #options: AttributeRecordsOptions<Owner, Stored, Input, Patch>;
  /** Writes are sequential, so that the cache contains what was written last. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(options: AttributeRecordsOptions<Owner, Stored, Input, Patch>) {
    this.#options = options;
    this.cache = new LruCache(options.capacity);
  }

  /** Reads a record from the store. */
  async get(owner: Owner): Promise<Stored | undefined> {
    const { store, storeKey } = this.#options;
    return (await store.get<Stored>(storeKey(owner)))?.value;
  }

  /**
   * Replaces a record.
   *
   * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`
   */
  replace(owner: Owner, input: Input): Promise<Stored> {
    return this.#write(owner, () => this.#options.check(input));
  }

  /**
   * Changes parts of a record.
   *
   * @throws {ServiceError} `invalid_request` with every fault, `payload_too_large`, `conflict`
   */
  patch(owner: Owner, patch: Patch): Promise<Stored> {
    const { check, patched } = this.#options;
    return this.#write(owner, (now) => check(patched(now, patch)));
  }

  /** Deletes a record. Returns whether there was one. */
  async delete(owner: Owner): Promise<boolean> {
    let existed = false;
    await this.#write(owner, (now) => (existed = now !== undefined, null));
    return existed;
  }

  /** @param change returns the new record; `null` deletes it */
  #write<R extends Stored | null>(
    owner: Owner,
    change: (now: Stored | undefined) => R,
  ): Promise<R> {
    const done = this.#lastWrite.then(() => this.#writeNow(owner, change));
    this.#lastWrite = done.catch(() => {});
    return done;
  }

  async #writeNow<R extends Stored | null>(
    owner: Owner,
    change: (now: Stored | undefined) => R,
  ): Promise<R> {
    const { store, storeKey, cacheKey, onWritten } = this.#options;
    const key = storeKey(owner);
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const now = await store.get<Stored>(key);
      const record = change(now?.value);
      const checks = [{ key, version: now?.version ?? null }];
      const commit = record === null
        ? { checks, deletes: [key] }
        : { checks, sets: [{ key, value: record }] };
      try {
        if (!await store.commit(commit)) continue;
      } catch (thrown) {
        // The commit may have succeeded although its answer failed.
        this.cache.delete(cacheKey(owner));
        onWritten(owner);
        throw thrown;
      }
      this.cache.set(cacheKey(owner), record);
      onWritten(owner);
      return record;
    }
    throw new ServiceError(
      "conflict",
      "Cannot set the attributes: other requests keep changing them; try again",
    );
  }
}

function contextKey({ context }: ContextName): StoreKey {
  return ["config", "context", context];
}

function userRecordKey({ context, user }: UserName): StoreKey {
  return ["config", "user", context, user];
}
