/**
 * The settled side of the log as the store has it: values that each hold a run of records. The ids
 * of a process rise, so the value that covers an id is the last one of that process that begins at
 * or before it, and no index is needed. Which process made an id is in its tag. A record that will be
 * amended, because something is tried again, has a value of its own: after an outage of a
 * provider a hundred thousand are amended, in no order.
 */

import { idTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Store, StoreEntry } from "../core/store.ts";
import { CHANGE_BYTES, packParts } from "./_commit_parts.ts";
import { groupIntoBatches } from "./_batches.ts";
import {
  decodeItem,
  encodeItem,
  isOpen,
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

/** One change of one record. */
interface Amendment {
  readonly id: string;
  readonly change: (record: LedgerRecord) => LedgerRecord;
  readonly isTaken: ((firstId: string) => Promise<boolean>) | undefined;
}

/** A value with changed records. */
interface Edit {
  readonly value: Found;
  readonly records: ItemText[];
  isWritten: boolean;
}

/**
 * True where it was changed, false where there is no such record, "again" to try once more,
 * "taken" where it is somebody else's to write.
 */
type Amended = boolean | "again" | "taken";

/** Records of one commit that have values of their own. */
const MAX_ALONE = 256;
/** Amendments at once: a commit of Deno KV takes a hundred checks. */
const MAX_ROUND = 100;

/** See the file's comment. */
export class LedgerValues {
  readonly #store: Store;
  readonly #maxValueBytes: number;
  readonly #retentionMs: () => number;
  readonly #amend: (amendment: Amendment) => Promise<Amended>;

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
    this.#amend = groupIntoBatches((round) => this.#amendAll(round), { limit: MAX_ROUND });
  }

  /** The changes that keep records, which must be in order, by the first id of each value. */
  sets(records: readonly ItemText[], tag: string | undefined) {
    const expireInMs = this.#retentionMs();
    return apart(records).flatMap((run) => packItems(run, this.#maxValueBytes))
      .map(({ items, bytes }) => {
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
   * Changes a record, together with others that are to be changed.
   *
   * @param isTaken asked about the first id of the value, or about the record's where there is none
   */
  amend(
    id: string,
    change: (record: LedgerRecord) => LedgerRecord,
    isTaken?: (firstId: string) => Promise<boolean>,
  ): Promise<Amended> {
    return this.#amend({ id, change, isTaken });
  }

  async #amendAll(round: readonly Amendment[]): Promise<readonly Amended[]> {
    const found = await this.#findAll(round.map(({ id }) => id));
    const edits = new Map<string, Edit>();
    const amended: (Exclude<Amended, "again"> | Edit)[] = [];
    for (const [at, { id, change, isTaken }] of round.entries()) {
      const value = found[at];
      // Read in this order: a value that was nobody's by then changes only if it has another version.
      if (await isTaken?.(value ? String(value.entry.key.at(-1)) : id)) amended.push("taken");
      else if (!value) amended.push(false);
      else {
        const key = String(value.entry.key);
        const edit = edits.get(key) ?? { value, records: [...value.records], isWritten: false };
        edits.set(key, edit);
        const { index } = value;
        edit.records[index] = encodeItem(change(decodeItem(edit.records[index]!)));
        amended.push(edit);
      }
    }
    await this.#write([...edits.values()]);
    return amended.map((one) => typeof one === "object" ? one.isWritten || "again" : one);
  }

  async #write(edits: readonly Edit[]): Promise<void> {
    const parts = edits.map((edit) => {
      const sets = this.sets(edit.records, edit.value.tag);
      const bytes = sets.reduce((sum, { value }) => sum + value.length + CHANGE_BYTES, 0);
      return { edit, sets, deletes: [], bytes };
    });
    for (const group of packParts(parts, this.#store.traits)) {
      const checks = group.map(({ edit }) => edit.value.entry);
      const isWritten = await this.#store.commit({
        checks,
        sets: group.flatMap(({ sets }) => sets),
      });
      for (const { edit } of group) edit.isWritten = isWritten;
    }
  }

  /** Most have a value of their own, which many can be read of at once. */
  async #findAll(ids: readonly string[]): Promise<readonly (Found | undefined)[]> {
    const own = await this.#store.getMany<Packed>(ids.map((id) => ledgerKey(idTag(id), id)));
    return await Promise.all(
      own.map((entry, at) =>
        entry
          ? { tag: idTag(ids[at]!), entry, records: unpackRecords(entry.value), index: 0 }
          : this.#find(ids[at]!)
      ),
    );
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

/** Records that are over, as they follow each other, and those that are not, each alone. */
function apart(records: readonly ItemText[]): readonly (readonly ItemText[])[] {
  const runs: ItemText[][] = [];
  let alone = 0;
  let run: ItemText[] | undefined;
  for (const record of records) {
    if (isOpen(record) && alone < MAX_ALONE) {
      runs.push([record]);
      alone++;
      run = undefined;
    } else if (run) run.push(record);
    else runs.push(run = [record]);
  }
  return runs;
}
