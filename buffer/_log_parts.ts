/** The changes by which notifications come into the log, and go from the log to the ledger. */

import { idTag } from "../core/ids.ts";
import type { StoreKey } from "../core/store.ts";
import type { Append } from "./_appends.ts";
import { CHANGE_BYTES, type CommitPart } from "./_commit_parts.ts";
import type { OpenSegment, SegmentRun } from "./_segments.ts";
import type { LedgerValues } from "./ledger_values.ts";
import {
  encodeNotification,
  itemId,
  type ItemText,
  type PackedItems,
  packItems,
  sizeOf,
} from "./_stored_items.ts";
import { ledgerKey, logKey, type StoredSegment } from "./segment.ts";

/** A segment that is to be opened once it is stored. */
export interface NewSegment extends OpenSegment {
  readonly key: StoreKey;
}

const NO_LEDGER: readonly string[] = [];

/** Makes the parts; it changes nothing but the segments it is given. */
export class LogParts {
  readonly #maxValueBytes: number;
  readonly #ledger: LedgerValues;

  constructor(
    { maxValueBytes, ledger }: { readonly maxValueBytes: number; readonly ledger: LedgerValues },
  ) {
    this.#maxValueBytes = maxValueBytes;
    this.#ledger = ledger;
  }

  /** Keeps what a group of callers gives, cut into segments across them. */
  append(
    group: readonly Append[],
    { owner, open, failed }: {
      readonly owner: string;
      /** Told of what is stored; false where it is not this process's own any more. */
      readonly open: (segments: readonly NewSegment[]) => boolean;
      readonly failed: (keys: readonly StoreKey[]) => void;
    },
  ): CommitPart {
    const notifications = group.flatMap((append) => append.notifications);
    const packed = packItems(group.flatMap((append) => append.items), this.#maxValueBytes);
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
        ...packed.map((each, index) => logSet(segments[index]!.key, each, NO_LEDGER)),
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
   * Moves what is settled of some segments to the ledger, and the segments away where that is all.
   *
   * @param run more than one only where all of them are wholly settled, and follow each other
   */
  settled(
    run: SegmentRun,
    { closed, failed }: {
      /** It was stored, and the segments are not any more. */
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
    const values = this.#ledger.sets(records, tag);
    const ledger = values.map(({ firstId }) => firstId);
    const stale = run.flatMap((segment) => segment.ledger).filter((id) => !ledger.includes(id))
      .map((id) => ledgerKey(tag, id));
    const isWhole = rest.length === 0;
    const closing = Promise.withResolvers<void>();
    if (isWhole) { for (const segment of run) segment.closing = closing.promise; }
    return {
      // What is left of a value fits in one.
      sets: isWhole
        ? values
        : [...values, logSet(key, packItems(rest, this.#maxValueBytes)[0]!, ledger)],
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
}

/** The change that keeps the waiting part of a segment. */
function logSet(key: StoreKey, { bytes }: PackedItems, ledger: readonly string[]) {
  const value: StoredSegment = { v: 1, items: bytes, ledger };
  return { key, value };
}
