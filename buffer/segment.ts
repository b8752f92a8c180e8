/**
 * One stretch of the buffer's log: notifications that were made durable together, and what
 * became of those already settled. The ids of one process rise, so a segment owns a range of them,
 * and the record of any id is found by looking for the last value of its process that begins at or
 * before it.
 */

import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";

/** Where segments of waiting notifications are kept: by owner, by tag, by first id. */
export const LOG_PREFIX = ["log"] as const;
/** Where records of settled notifications are kept: by tag, by the first id of a value. */
export const LEDGER_PREFIX = ["ledger"] as const;
/** Tags and owners sort after this, and ids before it. */
export const AFTER_IDS = "8";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A segment in memory. */
export interface Segment {
  /** Where it is in the store. */
  readonly key: StoreKey;
  /** What its ids have as their tag; none where they were made before ids had tags. */
  readonly tag: string | undefined;
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
  /** While the last of it is being written; resolves when that has worked or failed. */
  closing: Promise<void> | undefined;
}

/** What is stored of a segment that is not wholly settled. */
export interface StoredSegment {
  readonly v: 1;
  /** What still waits; see {@link packItems}. */
  readonly items: string | Uint8Array;
  /** First ids of the ledger values that hold the rest of the segment. */
  readonly ledger: readonly string[];
}

/** One item as JSON. */
export interface Encoded {
  readonly id: string;
  readonly text: string;
  /** It has characters beyond Latin-1, which double what a stored text takes. */
  readonly wide: boolean;
}

// deno-lint-ignore no-control-regex -- Latin-1 begins with them
const WIDE = /[^\u0000-\u00ff]/;

/** The stored form of a notification or a ledger record. */
export function encodeItem(item: Notification | LedgerRecord): Encoded {
  const text = JSON.stringify(item);
  return { id: item.id, text, wide: WIDE.test(text) };
}

/** Bytes that items take when they are stored as one text: a wide one widens all of it. */
export function bytesOf(items: readonly Encoded[]): number {
  let units = 2;
  let wide = false;
  for (const item of items) {
    units += item.text.length + 1;
    wide ||= item.wide;
  }
  return wide ? units * 2 : units;
}

/** Cuts a run of items, in order, so that each cut fits in one stored value. */
export function cut(items: readonly Encoded[], maxBytes: number): readonly (readonly Encoded[])[] {
  const cuts: Encoded[][] = [];
  let units = Infinity;
  let wide = false;
  for (const item of items) {
    units += item.text.length + 1;
    wide ||= item.wide;
    if ((wide ? units * 2 : units) > maxBytes) {
      cuts.push([]);
      units = item.text.length + 3;
      wide = item.wide;
    }
    cuts.at(-1)!.push(item);
  }
  return cuts;
}

/** The stored value of a cut: a JSON array, as UTF-8 where it is a single item that is too heavy. */
export function packItems(items: readonly Encoded[], maxBytes: number): string | Uint8Array {
  const text = `[${items.map((item) => item.text).join(",")}]`;
  return bytesOf(items) <= maxBytes ? text : encoder.encode(text);
}

/** Whether a single item can be stored at all. */
export function fitsAlone(item: Encoded, maxBytes: number): boolean {
  return bytesOf([item]) <= maxBytes || encoder.encode(item.text).length + 2 <= maxBytes;
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

/** Reads a stored value back. */
export function unpackItems<T>(packed: string | Uint8Array): readonly T[] {
  return JSON.parse(typeof packed === "string" ? packed : decoder.decode(packed));
}
