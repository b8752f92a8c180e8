/**
 * The buffer's keys in one partition. A notification that is accepted and not settled is in
 * `items`; it, or the younger one that it was merged into, is either in `due` or in `claims`, never
 * in both.
 */

import { idTime } from "../../core/ids.ts";
import { claimsKey, keyIn, PARTITIONS, partitionTag } from "../keys.ts";

/** The keys; what a text says is written with `·` for a NUL. */
export interface BufferKeys {
  /** Hash: id → `aggregation key`, a line feed, the rest as JSON. The key begins `context·`. */
  readonly items: string;
  /** Hash: id → the node that delivers it. */
  readonly claims: string;
  /** Hash: aggregation key → id of the waiting notification that similar ones are merged into. */
  readonly open: string;
  /** Hash: id → ids, in order and with commas, of those that were merged into it. */
  readonly older: string;
  /** Sorted set of `context·`, due time, id; by text, so that it is in order within a context. */
  readonly due: string;
  /**
   * Sorted set of `context·` by its earliest due time. One that was passed over when its time had
   * come has its place in the line instead, which is below zero.
   */
  readonly turns: string;
  /** Set of the nodes that have, or had, claims. */
  readonly claimers: string;
}

/** Minutes of ids that share one hash of the ledger. */
const BUCKET_MS = 60_000;

const KEYS: readonly BufferKeys[] = Array.from({ length: PARTITIONS }, (_, partition) => {
  const tag = partitionTag(partition);
  return {
    items: keyIn(tag, "items"),
    claims: claimsKey(partition),
    open: keyIn(tag, "open"),
    older: keyIn(tag, "older"),
    due: keyIn(tag, "due"),
    turns: keyIn(tag, "turns"),
    claimers: keyIn(tag, "claimers"),
  };
});

/** The keys of a partition. */
export function bufferKeys(partition: number): BufferKeys {
  return KEYS[partition]!;
}

/** Where the record of a notification is: a hash from id to record, per partition and minute. */
export function redisLedgerKey(partition: number, id: string): string {
  return keyIn(partitionTag(partition), "ledger", Math.floor(idTime(id) / BUCKET_MS));
}
