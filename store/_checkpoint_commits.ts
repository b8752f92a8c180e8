/**
 * Divides the changes that a checkpoint brings to the data file into commits. They are small: a
 * large one would block the event loop for too long.
 */

import type { Commit, StoreKey } from "../core/store.ts";
import { commitCost, type CommitTraits, fits, NO_COST, plusCost } from "./limits.ts";

/** A change that has not reached the data file. */
interface PendingChange {
  readonly key: StoreKey;
  /** Absent: the record is deleted. */
  readonly set?: { readonly value: unknown; readonly expiresAt?: number };
}

/** Changes by the texts of their keys. */
export type PendingChanges = Map<string, PendingChange>;

/** A commit of a checkpoint, and which of the changes it makes. */
interface CheckpointCommit {
  readonly commit: Commit;
  readonly names: readonly string[];
}

const COMMIT_CHANGES = 64;
const COMMIT_BYTES = 256 * 1024;

/**
 * Yields all changes in commits, each change once. A change may be removed once its commit was
 * yielded.
 */
export function* checkpointCommits(
  changes: ReadonlyMap<string, PendingChange>,
  { traits, now }: { readonly traits: CommitTraits; readonly now: number },
): Generator<CheckpointCommit> {
  const limits = { ...traits, maxCommitChanges: COMMIT_CHANGES, maxCommitBytes: COMMIT_BYTES };
  let sets: NonNullable<Commit["sets"]>[number][] = [];
  let deletes: StoreKey[] = [];
  let names: string[] = [];
  let cost = NO_COST;
  for (const [name, { key, set }] of changes) {
    const isSet = set !== undefined && (set.expiresAt ?? Infinity) > now;
    const value = isSet ? ownBuffers(set.value) : undefined;
    const change = isSet ? { sets: [{ key, value }] } : { deletes: [key] };
    const own = commitCost(change, traits);
    if (cost.changes > 0 && !fits(plusCost(cost, own), limits)) {
      yield { commit: { sets, deletes }, names };
      [sets, deletes, names, cost] = [[], [], [], NO_COST];
    }
    cost = plusCost(cost, own);
    names.push(name);
    if (!isSet) deletes.push(key);
    else if (set.expiresAt === undefined) sets.push({ key, value });
    else sets.push({ key, value, expireInMs: set.expiresAt - now });
  }
  if (names.length > 0) yield { commit: { sets, deletes }, names };
}

/** Returns a value whose bytes are in buffers of their own: of a view, the whole one is stored. */
function ownBuffers(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    return value.length === value.buffer.byteLength ? value : value.slice();
  }
  if (Array.isArray(value)) return value.map(ownBuffers);
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, ownBuffers(each)]));
}
