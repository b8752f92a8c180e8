/**
 * One stretch of the buffer's log: notifications that were made durable together, and what
 * became of those already settled. The ids of one process rise, so a segment owns a range of them,
 * and the record of any id is found by looking for the last value of its process that begins at or
 * before it.
 */

import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";
import { itemId, type ItemText } from "./_stored_items.ts";

/** Where segments of waiting notifications are kept: by owner, by tag, by first id. */
export const LOG_PREFIX = ["log"] as const;
/** Where records of settled notifications are kept: by tag, by the first id of a value. */
export const LEDGER_PREFIX = ["ledger"] as const;
/** Tags and owners sort after this, and ids before it. */
export const AFTER_IDS = "8";

/** A notification that is not settled, or the record of one that is, as it is stored. */
export type Slot = Notification | ItemText;

/** A segment in memory. */
export interface Segment {
  /** Where it is in the store. */
  readonly key: StoreKey;
  /** What its ids have as their tag; none where they were made before ids had tags. */
  readonly tag: string | undefined;
  /** Stored size of its notifications. */
  readonly bytes: number;
  /** Counts the segments that this process has made; NaN for those that it has found. */
  readonly number: number;
  /** In the order of their ids; at least one. */
  readonly slots: Slot[];
  /** How many of them are not settled. */
  waiting: number;
  /** First ids of the ledger values written so far; a rewrite that needs fewer removes the rest. */
  ledger: readonly string[];
  /** Monotonic milliseconds since when something settled is not in the store. */
  dirtySince: number;
  /** While the last of it is being written; resolves when that has worked or failed. */
  closing: Promise<void> | undefined;
  /** All of it is settled and stored; it is found no more. */
  isClosed: boolean;
}

/** What is stored of a segment that is not wholly settled. */
export interface StoredSegment {
  readonly v: 1;
  /** What still waits; see `_stored_items.ts`. */
  readonly items: string | Uint8Array;
  /** First ids of the ledger values that hold the rest of the segment. */
  readonly ledger: readonly string[];
}

/** The id of what is in a slot. */
export function slotId(slot: Slot): string {
  return typeof slot === "string" ? itemId(slot) : slot.id;
}

/** Where the waiting part of a segment is. */
export function logKey(
  owner: string,
  { tag, firstId }: { readonly tag: string | undefined; readonly firstId: string },
): StoreKey {
  return tag === undefined ? [...LOG_PREFIX, owner, firstId] : [...LOG_PREFIX, owner, tag, firstId];
}

/**
 * What the key of a stored segment says. Before ids had tags, segments had no owners: those have a
 * key of two parts, and one of three where somebody has taken them over since.
 */
export function parseLogKey(
  key: StoreKey,
): { readonly owner: string | undefined; readonly tag: string | undefined; firstId: string } {
  const [, owner, tag] = key as readonly string[];
  return {
    owner: key.length > 2 ? owner : undefined,
    tag: key.length > 3 ? tag : undefined,
    firstId: String(key.at(-1)),
  };
}

/** Where a stretch of settled records is. */
export function ledgerKey(tag: string | undefined, firstId: string): StoreKey {
  return tag === undefined ? [...LEDGER_PREFIX, firstId] : [...LEDGER_PREFIX, tag, firstId];
}
