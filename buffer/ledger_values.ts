/**
 * The settled side of the log as the store has it: values that each hold a run of records. The ids
 * of a process rise, so the value that covers an id is the last one of that process that begins at
 * or before it, and no index is needed. Which process made an id is in its tag.
 */

import { idTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Store, StoreEntry } from "../core/store.ts";
import {
  decodeItem,
  encodeItem,
  itemId,
  type ItemText,
  packItems,
  unpackRecords,
} from "./_stored_items.ts";
import { LEDGER_PREFIX, ledgerKey } from "./segment.ts";

type Packed = string | Uint8Array;

/** A record with the value that it is in. */
interface Found {
  readonly tag: string | undefined;
  readonly entry: StoreEntry<Packed>;
  readonly records: readonly ItemText[];
  readonly index: number;
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
  sets(records: readonly ItemText[], tag: string | undefined) {
    const expireInMs = this.#retentionMs();
    return packItems(records, this.#maxValueBytes).map(({ items, bytes }) => {
      const firstId = itemId(items[0]!);
      return { firstId, key: ledgerKey(tag, firstId), value: bytes, expireInMs };
    });
  }

  async find(id: string): Promise<LedgerRecord | undefined> {
    const found = await this.#find(id);
    return found && decodeItem(found.records[found.index]!);
  }

  /** The records of the values that begin with these ids. */
  async read(
    firstIds: readonly string[],
    tag: string | undefined,
  ): Promise<readonly ItemText[]> {
    if (firstIds.length === 0) return [];
    const keys = firstIds.map((id) => ledgerKey(tag, id));
    const entries = await this.#store.getMany<Packed>(keys);
    return entries.flatMap((entry) => entry ? unpackRecords(entry.value) : []);
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
    const { tag, entry, records, index } = found;
    const changed = records.with(index, encodeItem(change(decodeItem(records[index]!))));
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
      const records = unpackRecords(entry.value);
      const index = records.findIndex((each) => itemId(each) === id);
      return index < 0 ? undefined : { tag, entry, records, index };
    }
    return undefined;
  }
}
