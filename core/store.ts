/**
 * The port to the store: an ordered key-value store with atomic commits. Only `store/` and `redis/`
 * implement it.
 */

/** A key. Parts are compared one by one; strings sort before numbers, as in Deno KV. */
export type StoreKey = readonly (string | number)[];

/** A stored value with its version, which a later commit can check. */
export interface StoreEntry<T> {
  readonly key: StoreKey;
  readonly value: T;
  readonly version: string;
}

/** A set of changes that take effect together or not at all. */
export interface Commit {
  /** Versions that must still be current; `null`: the key must not exist. */
  readonly checks?: readonly { readonly key: StoreKey; readonly version: string | null }[];
  readonly sets?: readonly {
    readonly key: StoreKey;
    readonly value: unknown;
    /** Milliseconds after which the store may delete the record. */
    readonly expireInMs?: number;
    /** No record has ever had the key. A store may skip what is deleted before it was written. */
    readonly isNew?: boolean;
  }[];
  readonly deletes?: readonly StoreKey[];
}

/** Which keys to list. The prefix itself is not included. */
export interface ListRange {
  readonly prefix: StoreKey;
  /** First key (inclusive), within the prefix. */
  readonly start?: StoreKey;
  /** Last key (exclusive), within the prefix. */
  readonly end?: StoreKey;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** The limits and properties of a store. */
export interface StoreTraits {
  /** Bytes of the largest serialised value. */
  readonly maxValueBytes: number;
  /** Changes in one commit. */
  readonly maxCommitChanges: number;
  /** Bytes in one commit. */
  readonly maxCommitBytes: number;
  /** Keys in one `getMany`. */
  readonly maxGetMany: number;
  /** Whether records outlive the process. */
  readonly durable: boolean;
  /** Whether several processes see the same records. */
  readonly shared: boolean;
}

/**
 * An ordered record store. Every method throws `ServiceError` `store_unavailable` where the store
 * cannot be reached or written.
 */
export interface Store extends AsyncDisposable {
  readonly traits: StoreTraits;
  get<T>(key: StoreKey): Promise<StoreEntry<T> | undefined>;
  /** Returns the entries of any number of keys, in their order. */
  getMany<T>(keys: readonly StoreKey[]): Promise<readonly (StoreEntry<T> | undefined)[]>;
  list<T>(range: ListRange): AsyncIterable<StoreEntry<T>>;
  /** Returns false, and changes nothing, where a check fails. */
  commit(commit: Commit): Promise<boolean>;
}
