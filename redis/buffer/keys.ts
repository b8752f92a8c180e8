/**
 * The keys of the buffer in one partition. An accepted notification is in `segments` or in `items`
 * until it is settled. One in `items`, or the newer one that it was merged into, is either in `due`
 * or in `claims`, never in both.
 */

import { idTime } from "../../core/ids.ts";
import { claimsKey, keyIn, PARTITIONS, partitionTag, segmentsKey } from "../keys.ts";

/** Names of the keys. In the descriptions, `·` stands for a NUL. */
interface BufferKeys {
  /**
   * Hash: id → aggregation key, line feed, fields as JSON, line feed, data. The key begins
   * `context·`.
   */
  readonly items: string;
  /** Hash: id → the node that has claimed it. */
  readonly claims: string;
  /** Hash of what was claimed as it was accepted, in two fields each; see `segment.ts`. */
  readonly segments: string;
  /**
   * Hash: aggregation key → the waiting notification that similar ones merge into: id, due, latest.
   */
  readonly open: string;
  /** Hash: id → ids of the notifications merged into it, oldest first, separated by commas. */
  readonly older: string;
  /**
   * Sorted set of `context·`, due time and id, in order of the text and so by due time per context.
   */
  readonly due: string;
  /**
   * Sorted set of `context·` by its earliest due time. A context that was passed over when it was
   * due has a negative score instead: its place in the queue of contexts.
   */
  readonly turns: string;
  /** Set of the nodes that have, or had, claims. */
  readonly claimers: string;
  /** Set of the nodes that have, or had, segments. */
  readonly segmentClaimers: string;
}

/** Records of ids from the same minute share one hash of the ledger. */
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
    segments: segmentsKey(partition),
    segmentClaimers: keyIn(tag, "segment-claimers"),
  };
});

/** Returns the keys of a partition. */
export function bufferKeys(partition: number): BufferKeys {
  return KEYS[partition]!;
}

/**
 * Returns the ledger key of a notification: a hash for a partition and a minute. `_ledger_fields.ts`
 * describes its fields.
 */
export function redisLedgerKey(partition: number, id: string): string {
  return redisLedgerKeyAt(partition, ledgerMinute(idTime(id)));
}

/** Returns the ledger key of a partition and a minute. */
export function redisLedgerKeyAt(partition: number, minute: number): string {
  return keyIn(partitionTag(partition), "ledger", minute);
}

/** Returns the minute, since 1970, of a time in epoch milliseconds. */
export function ledgerMinute(epochMs: number): number {
  return Math.floor(epochMs / BUCKET_MS);
}
