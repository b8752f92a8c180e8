/**
 * The ledger in the store: values that each hold a run of records. The ids of a process rise, so
 * the value that covers an id is the last one of that process that begins at or before it, and no
 * index is needed. The tag of an id names its process. A record that will be amended, because a
 * target is retried, has a value of its own: after a provider's outage a hundred thousand are
 * amended, in no order.
 */

import { Batcher } from "../core/batcher.ts";
import { idTag } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Store, StoreEntry } from "../core/store.ts";
import { CHANGE_BYTES, packParts } from "./_commit_parts.ts";
import {
  decodeItem,
  encodeItem,
  isOpen,
  itemId,
  type ItemText,
  packItems,
  unpackRecords,
} from "./_stored_items.ts";
import { AFTER_IDS, LEDGER_PREFIX, ledgerKey } from "./segment.ts";

type Packed = string | Uint8Array;

/** A record and the stored value that holds it. */
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
  readonly isForeign: ((firstId: string) => Promise<boolean>) | undefined;
}

/** A value with changed records. */
interface Edit {
  readonly value: Found;
  readonly records: ItemText[];
  isWritten: boolean;
}

/**
 * True where the record was changed, false where there is none, "conflict" where another process
 * changed it at the same time, "foreign" where only another process may write it now.
 */
type Amended = boolean | "conflict" | "foreign";

/** Records of one commit that have values of their own. */
const MAX_SINGLE = 256;
/** Amendments in one batch: a commit of Deno KV takes a hundred checks. */
const MAX_BATCH = 100;
/** Values that a list reads in one call: few of the largest, many where they have a record each. */
const VALUES_AT_ONCE = { least: 4, most: 64, bytes: 256 * 1024 } as const;

/** Reads and amends stored records, and makes the changes that store new ones. */
export class LedgerValues {
  readonly #store: Store;
  readonly #maxValueBytes: number;
  readonly #retentionMs: () => number;
  readonly #amendments: Batcher<Amendment, Amended>;

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
    this.#amendments = new Batcher<Amendment, Amended>({
      run: (batch) => this.#amendAll(batch),
      batchSize: ({ length }) => Math.min(length, MAX_BATCH),
    });
  }

  /**
   * Returns the changes that store records, given in order, with the first id of each value.
   *
   * @param options.mayBeAmended whether any of them may be of a notification still in flight
   */
  sets(
    records: readonly ItemText[],
    { tag, mayBeAmended }: { readonly tag: string | undefined; readonly mayBeAmended: boolean },
  ) {
    const expireInMs = this.#retentionMs();
    const runs = mayBeAmended ? splitRuns(records) : [records];
    return runs.flatMap((run) => packItems(run, this.#maxValueBytes))
      .map(({ items, bytes }) => {
        const firstId = itemId(items[0]!);
        return { firstId, key: ledgerKey(tag, firstId), value: bytes, expireInMs };
      });
  }

  /** Returns the record of an id. */
  async find(id: string): Promise<LedgerRecord | undefined> {
    const found = await this.#find(id);
    return found && decodeItem(found.records[found.index]!);
  }

  /** Returns the records of the values that begin with these ids. */
  async read(
    firstIds: readonly string[],
    tag: string | undefined,
  ): Promise<readonly ItemText[]> {
    if (firstIds.length === 0) return [];
    const keys = firstIds.map((id) => ledgerKey(tag, id));
    const entries = await this.#store.getMany<Packed>(keys);
    return entries.flatMap((entry) => entry ? unpackRecords(entry.value) : []);
  }

  /** Returns the stored records of each process before an id, the newest first. */
  async newest(before: string | undefined): Promise<readonly AsyncIterable<ItemText>[]> {
    return (await this.#tags()).map((tag) => this.#descending(tag, before));
  }

  /**
   * Changes a record, together with others that are to be changed at the same time.
   *
   * @param isForeign called with the first id of the stored value, or with the record's id where
   * there is no value; returns whether only another process may write it
   */
  amend(
    id: string,
    change: (record: LedgerRecord) => LedgerRecord,
    isForeign?: (firstId: string) => Promise<boolean>,
  ): Promise<Amended> {
    return this.#amendments.add({ id, change, isForeign });
  }

  async #amendAll(batch: readonly Amendment[]): Promise<readonly Amended[]> {
    const found = await this.#findAll(batch.map(({ id }) => id));
    const edits = new Map<string, Edit>();
    const amended: (Exclude<Amended, "conflict"> | Edit)[] = [];
    for (const [at, { id, change, isForeign }] of batch.entries()) {
      const value = found[at];
      // In this order: a value without an owner by now changes only if its version does.
      if (await isForeign?.(value ? String(value.entry.key.at(-1)) : id)) amended.push("foreign");
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
    return amended.map((one) => typeof one === "object" ? one.isWritten || "conflict" : one);
  }

  async #write(edits: readonly Edit[]): Promise<void> {
    const parts = edits.map((edit) => {
      const sets = this.sets(edit.records, { tag: edit.value.tag, mayBeAmended: true });
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

  /** Most records to amend have a value of their own, and many of those are read at once. */
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

  /** Returns the tags of all processes with records; one read for each. */
  async #tags(): Promise<readonly (string | undefined)[]> {
    const tags: (string | undefined)[] = [];
    let tag = await this.#lastTagBefore(undefined);
    while (tag !== null) {
      tags.push(tag);
      tag = tag === undefined ? null : await this.#lastTagBefore(tag);
    }
    return tags;
  }

  /** Undefined for records from before ids had tags, null where there are none. */
  async #lastTagBefore(end: string | undefined): Promise<string | undefined | null> {
    const range = end === undefined ? {} : { end: [...LEDGER_PREFIX, end] };
    const all = { prefix: LEDGER_PREFIX, ...range, reverse: true, limit: 1 };
    for await (const { key } of this.#store.list(all)) {
      return key.length > LEDGER_PREFIX.length + 1 ? String(key[1]) : undefined;
    }
    return null;
  }

  async *#descending(
    tag: string | undefined,
    before: string | undefined,
  ): AsyncGenerator<ItemText> {
    const prefix = tag === undefined ? LEDGER_PREFIX : [...LEDGER_PREFIX, tag];
    const last = before ?? (tag === undefined ? AFTER_IDS : undefined);
    const end = last === undefined ? {} : { end: [...prefix, last] };
    let limit: number = VALUES_AT_ONCE.least;
    for (let range = end;;) {
      let first: string | undefined;
      let bytes = 0;
      const page = { prefix, ...range, reverse: true, limit };
      for await (const { key, value } of this.#store.list<Packed>(page)) {
        first = String(key.at(-1));
        bytes += value.length;
        for (const item of unpackRecords(value).toReversed()) {
          if (before === undefined || itemId(item) < before) yield item;
        }
      }
      if (first === undefined) return;
      limit = valuesAtOnce(bytes / limit);
      range = { end: [...prefix, first] };
    }
  }

  /** Looks where the id's process keeps its records, and where they were before ids had tags. */
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

/** Returns how many values of about so many bytes are read in one call. */
function valuesAtOnce(bytesEach: number): number {
  const { least, most, bytes } = VALUES_AT_ONCE;
  return Math.min(most, Math.max(least, Math.floor(bytes / Math.max(1, bytesEach))));
}

/** Returns runs of final records, and each record that will be amended as a run of its own. */
function splitRuns(records: readonly ItemText[]): readonly (readonly ItemText[])[] {
  const runs: ItemText[][] = [];
  let singles = 0;
  let run: ItemText[] | undefined;
  for (const record of records) {
    if (isOpen(record) && singles < MAX_SINGLE) {
      runs.push([record]);
      singles++;
      run = undefined;
    } else if (run) run.push(record);
    else runs.push(run = [record]);
  }
  return runs;
}
