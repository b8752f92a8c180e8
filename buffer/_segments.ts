/**
 * The segments in memory. Those of one tag are in the order of their ids, so a binary search finds
 * an id, and a notification takes no more than its slot.
 */

import { idTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";
import { encodeItem, type ItemText } from "./_stored_items.ts";
import { parseLogKey, type Segment, type Slot, slotId } from "./segment.ts";

/** What a segment is opened with. */
export interface OpenSegment {
  readonly notifications: readonly Notification[];
  /** Their stored size in bytes. */
  readonly bytes: number;
  /** The records of its settled notifications, and the first ids of their ledger values. */
  readonly settled?: readonly ItemText[];
  readonly ledger?: readonly string[];
  /** It was read from the store, and not made by this process. */
  readonly isFound?: boolean;
}

/** The place of a notification or record. */
interface SegmentSlot {
  readonly segment: Segment;
  readonly index: number;
}

/** The key of the segments whose ids are from before ids had tags. */
const NO_TAG = "";

/** Finds, settles and counts the segments in memory. */
export class Segments {
  readonly #byTag = new Map<string, Segment[]>();
  #inFlight = 0;
  #bytes = 0;
  #closed = 0;
  #made = 0;
  #found = 0;
  /** The segment of what was found last. */
  #last: Segment | undefined;

  /** Number of notifications that are not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Stored size in bytes of the segments that are not wholly settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether there are segments that this process has not made itself. */
  get hasFound(): boolean {
    return this.#found > 0;
  }

  /** Adds a segment. */
  open(key: StoreKey, opening: OpenSegment): void {
    const { notifications, bytes, settled = [], ledger = [], isFound = false } = opening;
    if (isFound) this.#found++;
    const { tag } = parseLogKey(key);
    const slots: Slot[] = settled.length === 0
      ? [...notifications]
      : [...notifications, ...settled].sort((a, b) => slotId(a) < slotId(b) ? -1 : 1);
    const segment: Segment = {
      ...{ key, tag, bytes, slots, ledger },
      firstId: slotId(slots[0]!),
      lastFound: -1,
      number: isFound ? NaN : this.#made++,
      waiting: notifications.length,
      mayBeAmended: settled.length > 0,
      dirtySince: Infinity,
      closing: undefined,
      isClosed: false,
    };
    this.#insert(segment);
    this.#inFlight += notifications.length;
    this.#bytes += bytes;
  }

  /** Returns the place of an id, settled or not. */
  find(id: string): SegmentSlot | undefined {
    return (this.#last && findNext(this.#last, id)) ?? this.#findIn(idTag(id), id) ??
      this.#findIn(NO_TAG, id);
  }

  /** Returns the slots of each tag before an id, the newest first. */
  newest(before: string | undefined): readonly Iterable<Slot>[] {
    return [...this.#byTag.values()].map((segments) => descending([...segments], before));
  }

  /** Replaces a notification by its record. Returns false where it was settled before. */
  settle({ segment, index }: SegmentSlot, record: LedgerRecord): boolean {
    const isNew = typeof segment.slots[index] !== "string";
    segment.slots[index] = encodeItem(record);
    if (record.state === "in_flight") segment.mayBeAmended = true;
    if (!isNew) return false;
    this.#inFlight--;
    if (--segment.waiting === 0) this.#bytes -= segment.bytes;
    return true;
  }

  /** Removes a segment that is wholly settled and stored. */
  close(segment: Segment): void {
    segment.isClosed = true;
    if (Number.isNaN(segment.number)) this.#found--;
    if (this.#last === segment) this.#last = undefined;
    const tag = segment.tag ?? NO_TAG;
    const segments = this.#byTag.get(tag)!;
    // In bulk, so that closing costs the same however many segments there are.
    if (++this.#closed * 2 < segments.length) return;
    for (const [tag, segments] of this.#byTag) {
      const open = segments.filter(({ isClosed }) => !isClosed);
      if (open.length === 0) this.#byTag.delete(tag);
      else this.#byTag.set(tag, open);
    }
    this.#closed = 0;
  }

  #insert(segment: Segment): void {
    const tag = segment.tag ?? NO_TAG;
    const segments = this.#byTag.get(tag);
    if (!segments) return void this.#byTag.set(tag, [segment]);
    const at = lastAtOrBefore(segments, firstId, firstId(segment)) + 1;
    if (at === segments.length) segments.push(segment);
    else segments.splice(at, 0, segment);
  }

  #findIn(tag: string, id: string): SegmentSlot | undefined {
    const segments = this.#byTag.get(tag);
    const segment = segments?.[lastAtOrBefore(segments, firstId, id)];
    if (!segment || segment.isClosed) return undefined;
    this.#last = segment;
    const next = findNext(segment, id);
    if (next) return next;
    const index = lastAtOrBefore(segment.slots, slotId, id);
    if (index < 0 || slotId(segment.slots[index]!) !== id) return undefined;
    segment.lastFound = index;
    return { segment, index };
  }
}

/** Returns the place of an id where it is right after what was found in its segment last. */
function findNext(segment: Segment, id: string): SegmentSlot | undefined {
  const index = segment.lastFound + 1;
  const slot = segment.slots[index];
  if (slot === undefined || slotId(slot) !== id) return undefined;
  segment.lastFound = index;
  return { segment, index };
}

function* descending(segments: readonly Segment[], before: string | undefined): Generator<Slot> {
  for (const { slots, isClosed } of segments.toReversed()) {
    if (isClosed || (before !== undefined && slotId(slots[0]!) >= before)) continue;
    for (const slot of slots.toReversed()) {
      if (before === undefined || slotId(slot) < before) yield slot;
    }
  }
}

/** One or more segments that are written together. */
export type SegmentRun = readonly [Segment, ...Segment[]];

/**
 * Splits segments into runs that can be written together. The segments of a longer run are wholly
 * settled and were made one right after the other, so no ledger value begins between them.
 *
 * @param limit the most notifications in a run of more than one segment
 */
export function runsOf(segments: readonly Segment[], limit: number): readonly SegmentRun[] {
  const runs: [Segment, ...Segment[]][] = [];
  let size = 0;
  for (const segment of [...segments].sort((a, b) => a.number - b.number)) {
    size += segment.slots.length;
    const run = runs.at(-1);
    if (run && size <= limit && isNext(run.at(-1)!, segment)) run.push(segment);
    else {
      runs.push([segment]);
      size = segment.slots.length;
    }
  }
  return runs;
}

function isNext(one: Segment, other: Segment): boolean {
  return other.number === one.number + 1 && one.waiting === 0 && other.waiting === 0;
}

function firstId({ firstId }: Segment): string {
  return firstId;
}

/** Returns the index of the last item whose id is at or before `id`; -1 where there is none. */
function lastAtOrBefore<T>(items: readonly T[], idOf: (item: T) => string, id: string): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (idOf(items[middle]!) <= id) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
