/**
 * The settled side of the log as the store has it: values that each hold a run of records. Ids
 * rise, so the value that covers an id is the last one that begins at or before it, and no index
 * is needed.
 */

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
  sets(records: readonly Encoded[]) {
    const expireInMs = this.#retentionMs();
    return cut(records, this.#maxValueBytes).map((items) => {
      const firstId = items[0]!.id;
      const value = packItems(items, this.#maxValueBytes);
      return { firstId, key: ledgerKey(firstId), value, expireInMs };
    });
  }

  async find(id: string): Promise<LedgerRecord | undefined> {
    const stored = await this.#covering(id);
    return stored && unpackItems<LedgerRecord>(stored.value).find((record) => record.id === id);
  }

  /** The records of the values that begin with these ids. */
  async read(firstIds: readonly string[]): Promise<readonly LedgerRecord[]> {
    const entries = await this.#store.getMany<Packed>(firstIds.map(ledgerKey));
    return entries.flatMap((entry) => entry ? unpackItems<LedgerRecord>(entry.value) : []);
  }

  /** True where it was changed, false where there is no such record, "again" to try once more. */
  async amend(
    id: string,
    change: (record: LedgerRecord) => LedgerRecord,
  ): Promise<boolean | "again"> {
    const stored = await this.#covering(id);
    const records = stored && unpackItems<LedgerRecord>(stored.value);
    if (!records?.some((each) => each.id === id)) return false;
    const changed = records.map((each) => encodeItem(each.id === id ? change(each) : each));
    const done = await this.#store.commit({ checks: [stored!], sets: this.sets(changed) });
    return done || "again";
  }

  async #covering(id: string): Promise<StoreEntry<Packed> | undefined> {
    const range = { prefix: LEDGER_PREFIX, end: [...LEDGER_PREFIX, `${id}\u0000`] };
    for await (const entry of this.#store.list<Packed>({ ...range, reverse: true, limit: 1 })) {
      return entry;
    }
    return undefined;
  }
}
