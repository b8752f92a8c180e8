/**
 * A segment of the buffer's log: notifications that were stored together, and the records of those
 * already settled. The ids of one process rise, so a segment covers a range of them, and the record
 * of any id is in the last value of its process that begins at or before it.
 */

import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";
import { itemId, type ItemText } from "./_stored_items.ts";

/** The prefix of stored segments; then come owner, tag and first id. */
export const LOG_PREFIX = ["log"] as const;
/** The prefix of stored ledger values; then come tag and first id. */
export const LEDGER_PREFIX = ["ledger"] as const;
/** Tags and owners sort after this, and ids before it. */
export const AFTER_IDS = "8";

/** A notification that is not settled, or the stored form of its record. */
export type Slot = Notification | ItemText;

/** A segment in memory. */
export interface Segment {
  /** Its key in the store. */
  readonly key: StoreKey;
  /** The id of its first slot. */
  readonly firstId: string;
  /** The slot that was found last: mostly the next one is looked for next. */
  lastFound: number;
  /** The tag of its ids; `undefined` where they are from before ids had tags. */
  readonly tag: string | undefined;
  /** Stored size of its notifications in bytes. */
  readonly bytes: number;
  /** Counts the segments that this process has made; NaN for those read from the store. */
  readonly number: number;
  /** In the order of their ids; at least one. */
  readonly slots: Slot[];
  /** Number of slots that are not settled. */
  waiting: number;
  /** Whether a record may be of a notification still in flight, and so will be amended. */
  mayBeAmended: boolean;
  /** First ids of its ledger values so far; a rewrite that needs fewer removes the rest. */
  ledger: readonly string[];
  /** When its first record that is not stored was settled, in monotonic milliseconds. */
  dirtySince: number;
  /** Set while its last records are written; resolves when that has worked or failed. */
  closing: Promise<void> | undefined;
  /** All of it is settled and stored; look-ups skip it. */
  isClosed: boolean;
}

/** The stored form of a segment that is not wholly settled. */
export interface StoredSegment {
  readonly v: 1;
  /** The notifications that are not settled, packed by `packItems`. */
  readonly items: string | Uint8Array;
  /** First ids of the ledger values that hold the rest of the segment. */
  readonly ledger: readonly string[];
}

/** Returns the id of the notification or record in a slot. */
export function slotId(slot: Slot): string {
  return typeof slot === "string" ? itemId(slot) : slot.id;
}

/** Returns the key of a stored segment. */
export function logKey(
  owner: string,
  { tag, firstId }: { readonly tag: string | undefined; readonly firstId: string },
): StoreKey {
  return tag === undefined ? [...LOG_PREFIX, owner, firstId] : [...LOG_PREFIX, owner, tag, firstId];
}

/**
 * Returns the parts of a stored segment's key. Segments from before ids had tags have no owner: a
 * key of two parts, or of three where a process has taken them over since.
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

/** Returns the key of a ledger value. */
export function ledgerKey(tag: string | undefined, firstId: string): StoreKey {
  return tag === undefined ? [...LEDGER_PREFIX, firstId] : [...LEDGER_PREFIX, tag, firstId];
}
