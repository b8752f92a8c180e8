/**
 * The settled side of the log as the store has it: values that each hold a run of records. The ids
 * of a process rise, so the value that covers an id is the last one of that process that begins at
 * or before it, and no index is needed. Which process made an id is in its tag.
 */

import { idTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Store, StoreEntry } from "../core/store.ts";
import {
  cut,
  type Encoded,
  encodeItem,
  LEDGER_PREFIX,
  ledgerKey,
  packItems,
  unpackItems,
} from "./segment.ts";

type Packed = string | Uint8Array;

/** A record with the value that it is in. */
interface Found {
  readonly tag: string | undefined;
  readonly entry: StoreEntry<Packed>;
  readonly records: readonly LedgerRecord[];
  readonly record: LedgerRecord;
}

/** See the file's comment. */
export class LedgerValues {
  readonly #store: Store;
  readonly #maxValueBytes: number;
  readonly #retentionMs: () => number;

  constructor(
    store: Store,
    { maxValueBytes, retentionMs }: {
      readonly maxValueBytes: number;
      readonly retentionMs: () => number;
    },
  ) {
    this.#store = store;
    this.#maxValueBytes = maxValueBytes;
    this.#retentionMs = retentionMs;
  }

  /** The changes that keep records, which must be in order, by the first id of each value. */
  sets(records: readonly Encoded[], tag: string | undefined) {
    const expireInMs = this.#retentionMs();
    return cut(records, this.#maxValueBytes).map((items) => {
      const firstId = items[0]!.id;
      const value = packItems(items, this.#maxValueBytes);
      return { firstId, key: ledgerKey(tag, firstId), value, expireInMs };
    });
  }

  async find(id: string): Promise<LedgerRecord | undefined> {
    return (await this.#find(id))?.record;
  }

  /** The records of the values that begin with these ids. */
  async read(
    firstIds: readonly string[],
    tag: string | undefined,
  ): Promise<readonly LedgerRecord[]> {
    if (firstIds.length === 0) return [];
    const keys = firstIds.map((id) => ledgerKey(tag, id));
    const entries = await this.#store.getMany<Packed>(keys);
    return entries.flatMap((entry) => entry ? unpackItems<LedgerRecord>(entry.value) : []);
  }

  /**
   * True where it was changed, false where there is no such record, "again" to try once more,
   * "taken" where it is somebody else's to write.
   *
   * @param isTaken asked about the first id of the value, or about the record's where there is none
   */
  async amend(
    id: string,
    change: (record: LedgerRecord) => LedgerRecord,
    isTaken?: (firstId: string) => Promise<boolean>,
  ): Promise<boolean | "again" | "taken"> {
    const found = await this.#find(id);
    // Read in this order: a value that was nobody's by then changes only if it has another version.
    if (await isTaken?.(found ? String(found.entry.key.at(-1)) : id)) return "taken";
    if (!found) return false;
    const { tag, entry, records } = found;
    const changed = records.map((each) => encodeItem(each.id === id ? change(each) : each));
    return await this.#store.commit({ checks: [entry], sets: this.sets(changed, tag) }) || "again";
  }

  /** Where its process keeps it, and where it was kept before ids had tags. */
  async #find(id: string): Promise<Found | undefined> {
    return await this.#findIn(idTag(id), id) ?? await this.#findIn(undefined, id);
  }

  async #findIn(tag: string | undefined, id: string): Promise<Found | undefined> {
    const prefix = tag === undefined ? LEDGER_PREFIX : [...LEDGER_PREFIX, tag];
    const range = { prefix, end: [...prefix, `${id}\u0000`], reverse: true, limit: 1 };
    for await (const entry of this.#store.list<Packed>(range)) {
      const records = unpackItems<LedgerRecord>(entry.value);
      const record = records.find((each) => each.id === id);
      return record && { tag, entry, records, record };
    }
    return undefined;
  }
}
