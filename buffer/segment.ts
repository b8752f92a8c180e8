/**
 * One stretch of the buffer's log: notifications that were made durable together, and what
 * became of those already settled. Ids are monotonic, so a segment owns a range of them, and the
 * record of any id is found by looking for the last segment that begins at or before it.
 */

import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";

/** Where segments of waiting notifications are kept. */
export const LOG_PREFIX = ["log"] as const;
/** Where records of settled notifications are kept, by the first id that a value covers. */
export const LEDGER_PREFIX = ["ledger"] as const;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A segment in memory. */
export interface Segment {
  /** Its first id, which names it. */
  readonly firstId: string;
  /** Stored size of its notifications. */
  readonly bytes: number;
  /** Not settled yet, by id. */
  readonly waiting: Map<string, Notification>;
  /** Settled, in any order. */
  readonly settled: Map<string, LedgerRecord>;
  /** First ids of the ledger values written so far; a rewrite that needs fewer removes the rest. */
  ledger: readonly string[];
  /** Monotonic milliseconds since when something settled is not in the store. */
  dirtySince: number;
}

/** What is stored of a segment that is not wholly settled. */
export interface StoredSegment {
  readonly v: 1;
  /** What still waits; see {@link packItems}. */
  readonly items: Uint8Array;
  /** First ids of the ledger values that hold the rest of the segment. */
  readonly ledger: readonly string[];
}

/** One encoded item and its size. */
export interface Encoded {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The stored form of a notification or a ledger record. */
export function encodeItem(item: Notification | LedgerRecord): Encoded {
  return { id: item.id, bytes: encoder.encode(JSON.stringify(item)) };
}

/** Cuts a run of items, in order, so that each cut fits in one stored value. */
export function cut(items: readonly Encoded[], maxBytes: number): readonly (readonly Encoded[])[] {
  const cuts: Encoded[][] = [];
  let size = Infinity;
  for (const item of items) {
    if (size + item.bytes.length + 1 > maxBytes) {
      cuts.push([]);
      size = 2;
    }
    cuts.at(-1)!.push(item);
    size += item.bytes.length + 1;
  }
  return cuts;
}

/** The stored value of a cut: a JSON array as UTF-8, whose size is known to the byte. */
export function packItems(items: readonly Encoded[]): Uint8Array {
  const size = items.reduce((sum, { bytes }) => sum + bytes.length + 1, 1);
  const packed = new Uint8Array(Math.max(2, size));
  let at = 0;
  for (const { bytes } of items) {
    packed[at] = at === 0 ? 0x5b : 0x2c; // "[" before the first, "," before the others
    at++;
    packed.set(bytes, at);
    at += bytes.length;
  }
  packed[packed.length - 1] = 0x5d;
  return packed;
}

/** Where the waiting part of a segment is. */
export function logKey(firstId: string): StoreKey {
  return [...LOG_PREFIX, firstId];
}

/** Where a stretch of settled records is. */
export function ledgerKey(firstId: string): StoreKey {
  return [...LEDGER_PREFIX, firstId];
}

/** The change that keeps the waiting part of a segment. */
export function logSet(
  firstId: string,
  { items, ledger }: { readonly items: readonly Encoded[]; readonly ledger: readonly string[] },
) {
  const value: StoredSegment = { v: 1, items: packItems(items), ledger };
  return { key: logKey(firstId), value };
}

/** The changes that keep settled records, by their first ids. */
export function ledgerSets(cuts: readonly (readonly Encoded[])[], expireInMs: number) {
  return cuts.map((items) => {
    const firstId = items[0]!.id;
    return { firstId, key: ledgerKey(firstId), value: packItems(items), expireInMs };
  });
}

/** Reads a stored value back. */
export function unpackItems<T>(packed: Uint8Array): readonly T[] {
  return JSON.parse(decoder.decode(packed));
}
