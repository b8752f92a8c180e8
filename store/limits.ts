/** What one commit may hold, and what changes cost of it. */

import type { Commit, StoreKey, StoreTraits } from "../core/store.ts";
import { encodeKey } from "./_key_order.ts";
import { estimateBytes, serializedBytes } from "./size.ts";

/** Traits of the stores of this folder: Deno KV also limits the keys of a commit taken together. */
export interface CommitTraits extends StoreTraits {
  /** Bytes of all keys in one commit. */
  readonly maxCommitKeyBytes?: number;
}

/**
 * The limits of Deno KV, which the in-memory store keeps too, so that what works with one works
 * with the other (denokv: `MAX_*` constants; tried out on Deno 2.9.6).
 */
export const KV_LIMITS = {
  maxValueBytes: 65_536,
  maxCommitChanges: 1_000,
  maxCommitBytes: 819_200,
  maxCommitKeyBytes: 81_920,
  maxGetMany: 10,
} as const;

/** What some changes take of a commit's limits. */
export interface CommitCost {
  readonly changes: number;
  readonly bytes: number;
  readonly keyBytes: number;
}

/**
 * What a set of changes takes of a commit. The bytes are upper bounds, quickly found; where only
 * those are beyond the limits, the exact size.
 *
 * @throws {RangeError} it is more than the store takes in one commit, or one of its values is.
 */
export function commitCost(commit: Commit, traits: CommitTraits): CommitCost {
  const estimated = measure(commit, (value) => valueBytes(value, traits.maxValueBytes));
  if (fits(estimated, traits)) return estimated;
  const exact = measure(commit, serializedBytes);
  if (fits(exact, traits)) return exact;
  throw new RangeError(
    `Cannot commit ${exact.changes} changes of ${exact.bytes} bytes at once: at most ` +
      `${traits.maxCommitChanges} changes of ${traits.maxCommitBytes} bytes are taken`,
  );
}

/** Whether so much fits into one commit. */
export function fits(cost: CommitCost, traits: CommitTraits): boolean {
  return cost.changes <= traits.maxCommitChanges && cost.bytes <= traits.maxCommitBytes &&
    cost.keyBytes <= (traits.maxCommitKeyBytes ?? Infinity);
}

/** What two sets of changes take together. */
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

/** The estimate, and only where that is beyond the limit the exact size. */
function valueBytes(value: unknown, limit: number): number {
  const estimated = estimateBytes(value);
  if (estimated <= limit) return estimated;
  const exact = serializedBytes(value);
  if (exact > limit) {
    throw new RangeError(`Cannot store a value of ${exact} bytes: at most ${limit} are taken`);
  }
  return exact;
}

function keyCost(key: StoreKey): number {
  return encodeKey(key).length + 1;
}
