/**
 * Makes the changes that put notifications into the log, and that move them from the log to the
 * ledger. Does not write them, and changes nothing but the segments that it is given.
 */

import { idTag } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";
import { CHANGE_BYTES, type CommitPart, type Sets } from "./_commit_parts.ts";
import type { OpenSegment, SegmentRun } from "./_segments.ts";
import {
  encodeNotification,
  itemId,
  type ItemText,
  type PackedItems,
  packItems,
  sizeOf,
} from "./_stored_items.ts";
import type { LedgerValues } from "./ledger_values.ts";
import { ledgerKey, logKey, type StoredSegment } from "./segment.ts";

/** What one call appends, and how it ends. */
export interface Append {
  /** The notifications in stored form. */
  readonly items: readonly ItemText[];
  readonly notifications: readonly Notification[];
  readonly sets: Sets;
  readonly bytes: number;
  /** @param isOwn false where another process works on them by now */
  resolve(isOwn: boolean): void;
  reject(thrown: unknown): void;
}

/** A segment to open once it is stored. */
export interface NewSegment extends OpenSegment {
  readonly key: StoreKey;
}

const NO_LEDGER: readonly string[] = [];

/** Stores what a group of calls appends, cut into segments without regard to the calls. */
export function appendPart(
  group: readonly Append[],
  { owner, maxValueBytes, open, failed }: {
    readonly owner: string;
    readonly maxValueBytes: number;
    /** Called with what is stored; returns false where it is not this process's own any more. */
    readonly open: (segments: readonly NewSegment[]) => boolean;
    readonly failed: (keys: readonly StoreKey[]) => void;
  },
): CommitPart {
  const notifications = group.flatMap((append) => append.notifications);
  const packed = packItems(group.flatMap((append) => append.items), maxValueBytes);
  let from = 0;
  const segments = packed.map(({ items, bytes }): NewSegment => {
    const firstId = itemId(items[0]!);
    return {
      key: logKey(owner, { tag: idTag(firstId), firstId }),
      notifications: notifications.slice(from, from += items.length),
      bytes: bytes.length,
    };
  });
  return {
    sets: [
      ...packed.map((each, index) => ({
        ...logSet(segments[index]!.key, each, NO_LEDGER),
        isNew: true,
      })),
      ...group.flatMap((append) => append.sets),
    ],
    deletes: [],
    bytes: group.reduce((sum, append) => sum + append.bytes, 0),
    done() {
      const isOwn = open(segments);
      for (const append of group) append.resolve(isOwn);
    },
    failed(thrown) {
      failed(segments.map(({ key }) => key));
      for (const append of group) append.reject(thrown);
    },
  };
}

/**
 * Moves the settled records of some segments to the ledger, and removes the segments where nothing
 * else is left in them.
 *
 * @param run more than one segment only where all are wholly settled and follow each other
 */
export function settledPart(
  run: SegmentRun,
  { ledgerValues, maxValueBytes, closed, failed }: {
    readonly ledgerValues: LedgerValues;
    readonly maxValueBytes: number;
    /** Called once the records are stored and the segments are not any more. */
    readonly closed: () => void;
    readonly failed: () => void;
  },
): CommitPart {
  const [{ key, tag }] = run;
  const records: ItemText[] = [];
  const rest: ItemText[] = [];
  for (const slot of run.flatMap(({ slots }) => slots)) {
    if (typeof slot === "string") records.push(slot);
    else rest.push(encodeNotification(slot));
  }
  const mayBeAmended = run.some((segment) => segment.mayBeAmended);
  const values = ledgerValues.sets(records, { tag, mayBeAmended });
  const ledger = values.map(({ firstId }) => firstId);
  const stale = run.flatMap((segment) => segment.ledger).filter((id) => !ledger.includes(id))
    .map((id) => ledgerKey(tag, id));
  const isWhole = rest.length === 0;
  const closing = Promise.withResolvers<void>();
  if (isWhole) { for (const segment of run) segment.closing = closing.promise; }
  return {
    // The rest of a value fits in one value.
    sets: isWhole ? values : [...values, logSet(key, packItems(rest, maxValueBytes)[0]!, ledger)],
    deletes: isWhole ? [...stale, ...run.map(({ key }) => key)] : stale,
    bytes: (values.length + 1) * CHANGE_BYTES + sizeOf(records) + sizeOf(rest),
    done() {
      if (isWhole) closed();
      else run[0].ledger = ledger;
      closing.resolve();
    },
    failed() {
      for (const segment of run) segment.closing = undefined;
      failed();
      closing.resolve();
    },
  };
}

/** Stores the part of a segment that is not settled. */
function logSet(key: StoreKey, { bytes }: PackedItems, ledger: readonly string[]) {
  const value: StoredSegment = { v: 1, items: bytes, ledger };
  return { key, value };
}
