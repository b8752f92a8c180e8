/** The limits of a commit, and what changes take of them. */

import type { Commit, StoreKey, StoreTraits } from "../core/store.ts";
import { estimateBytes, serializedBytes } from "../core/stored_size.ts";
import { encodeKey } from "./_key_order.ts";

/** Traits of a store that also limits the bytes of all keys in a commit, as Deno KV does. */
export interface CommitTraits extends StoreTraits {
  /** The most bytes of all keys in one commit. */
  readonly maxCommitKeyBytes?: number;
}

/**
 * The limits of Deno KV. The in-memory store has them too, so that code that works on one works on
 * the other (denokv: `MAX_*` constants; verified on Deno 2.9.6).
 */
export const KV_LIMITS = {
  maxValueBytes: 65_536,
  maxCommitChanges: 1_000,
  maxCommitBytes: 819_200,
  maxCommitKeyBytes: 81_920,
  maxGetMany: 10,
} as const;

/** What changes take of a commit's limits. */
export interface CommitCost {
  readonly changes: number;
  readonly bytes: number;
  readonly keyBytes: number;
}

/**
 * Returns what changes take of a commit's limits: upper bounds of the bytes, or their exact number
 * where only the bounds exceed the limits.
 *
 * @throws {RangeError} if the changes, or one of their values, exceed the limits of the store
 */
export function commitCost(commit: Commit, traits: CommitTraits): CommitCost {
  const estimated = measure(commit, (value) => valueBytes(value, traits.maxValueBytes));
  if (fits(estimated, traits)) return estimated;
  const exact = measure(commit, serializedBytes);
  if (fits(exact, traits)) return exact;
  throw new RangeError(
    `Cannot commit ${exact.changes} changes of ${exact.bytes} bytes at once: at most ` +
      `${traits.maxCommitChanges} changes of ${traits.maxCommitBytes} bytes fit; split them`,
  );
}

/** Returns whether changes of this cost fit into one commit. */
export function fits(cost: CommitCost, traits: CommitTraits): boolean {
  return cost.changes <= traits.maxCommitChanges && cost.bytes <= traits.maxCommitBytes &&
    cost.keyBytes <= (traits.maxCommitKeyBytes ?? Infinity);
}

/** The cost of no changes. */
export const NO_COST: CommitCost = { changes: 0, bytes: 0, keyBytes: 0 };

/** Returns what two sets of changes take together. */
export function plusCost(a: CommitCost, b: CommitCost): CommitCost {
  return {
    changes: a.changes + b.changes,
    bytes: a.bytes + b.bytes,
    keyBytes: a.keyBytes + b.keyBytes,
  };
}

function measure(
  { sets = [], deletes = [] }: Commit,
  sizeOf: (value: unknown) => number,
): CommitCost {
  let bytes = 0;
  let keyBytes = 0;
  for (const { key, value } of sets) {
    bytes += sizeOf(value);
    keyBytes += keyCost(key);
  }
  for (const key of deletes) keyBytes += keyCost(key);
  return { changes: sets.length + deletes.length, bytes: bytes + keyBytes, keyBytes };
}

/** Returns the estimate, or the exact size where the estimate exceeds the limit. */
function valueBytes(value: unknown, limit: number): number {
  const estimated = estimateBytes(value);
  if (estimated <= limit) return estimated;
  const exact = serializedBytes(value);
  if (exact > limit) {
    throw new RangeError(`Cannot store a value of ${exact} bytes: the limit is ${limit}`);
  }
  return exact;
}

function keyCost(key: StoreKey): number {
  return encodeKey(key).length + 1;
}
