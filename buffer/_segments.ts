/** The segments that are in memory, found by the ids in them. */

import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { StoreKey } from "../core/store.ts";
import { parseLogKey, type Segment } from "./segment.ts";

/** What a segment is opened with. */
export interface Opening {
  readonly notifications: readonly Notification[];
  /** Their stored size. */
  readonly bytes: number;
  /** What was settled of it before, and the first ids of the ledger values that have it. */
  readonly settled?: readonly LedgerRecord[];
  readonly ledger?: readonly string[];
}

/** See the file's comment. */
export class Segments {
  readonly #byId = new Map<string, Segment>();
  #inFlight = 0;
  #bytes = 0;

  /** Notifications that are not settled. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** Stored size of the segments that are not wholly settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The segment that an id is in, settled or not. */
  of(id: string): Segment | undefined {
    return this.#byId.get(id);
  }

  open(key: StoreKey, { notifications, bytes, settled = [], ledger = [] }: Opening): void {
    const segment: Segment = {
      key,
      tag: parseLogKey(key).tag,
      bytes,
      waiting: new Map(notifications.map((one) => [one.id, one] as const)),
      settled: new Map(settled.map((record) => [record.id, record] as const)),
      ledger,
      dirtySince: Infinity,
      closing: undefined,
    };
    for (const { id } of notifications) this.#byId.set(id, segment);
    for (const { id } of settled) this.#byId.set(id, segment);
    this.#inFlight += segment.waiting.size;
    this.#bytes += bytes;
  }

  /** The segment of what has been settled by this; none where it was settled before, or is unknown. */
  settle(record: LedgerRecord): Segment | undefined {
    const segment = this.#byId.get(record.id);
    if (!segment?.waiting.delete(record.id)) return undefined;
    this.#inFlight--;
    if (segment.waiting.size === 0) this.#bytes -= segment.bytes;
    segment.settled.set(record.id, record);
    return segment;
  }

  /** A segment is wholly settled, and in the store. */
  close(segment: Segment): void {
    for (const id of segment.settled.keys()) this.#byId.delete(id);
  }
}
