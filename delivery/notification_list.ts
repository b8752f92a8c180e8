/**
 * The list of notifications for operators: those of the buffer and its ledger, those that are
 * delivered later, and those to many users, in one order, the newest first. The work for one page is
 * bounded in each source; where a source stops, the page ends.
 */

import type { Buffer } from "../buffer/mod.ts";
import {
  type LedgerPage,
  type LedgerQuery,
  matchesQuery,
  matchesUserAndTopic,
  MAX_SEARCHED,
} from "../core/ledger_list.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Store } from "../core/store.ts";
import { FANOUT_PREFIX, type FanoutRecord } from "./_fanout_records.ts";
import type { Fanouts } from "./fanout.ts";
import {
  SCHEDULED_PREFIX,
  type ScheduledNotifications,
  type ScheduledRecord,
} from "./scheduled.ts";

interface ListDeps {
  readonly store: Store;
  readonly buffer: Pick<Buffer, "list">;
  readonly scheduled: Pick<ScheduledNotifications, "find">;
  readonly fanouts: Pick<Fanouts, "find">;
}

/** A part of the page from one source. */
interface Part {
  readonly items: readonly LedgerRecord[];
  readonly searched: number;
  /** It is complete down to this id; empty: there is no more. */
  readonly downTo: string;
  readonly stopped: boolean;
}

/** Records of the store with their data; the larger ones count for more, as they take longer. */
const BYTES_PER_SEARCHED = 1_024;

/** Returns a page. */
export async function listNotifications(
  query: LedgerQuery,
  { store, buffer, scheduled, fanouts }: ListDeps,
): Promise<LedgerPage> {
  const { state, limit } = query;
  // The buffer has none that are scheduled, and would search for them in vain.
  const page: LedgerPage = state === "scheduled"
    ? { items: [], searched: 0 }
    : await buffer.list(query);
  const from = page.next ?? "";
  const parts = await Promise.all([
    part<ScheduledRecord>(SCHEDULED_PREFIX, {
      ...{ store, query, from },
      mayMatch: ({ state, notification }) =>
        state !== "released" && matchesUserAndTopic(notification, query),
      bytesOf: ({ notification }) => notification.data.length,
      find: (id) => scheduled.find(id),
    }),
    part<FanoutRecord>(FANOUT_PREFIX, {
      ...{ store, query, from },
      mayMatch: ({ template }) => matchesUserAndTopic({ ...template, user: "" }, query),
      bytesOf: ({ template }) => template.data.length,
      find: (id) => fanouts.find(id),
    }),
  ]);
  const downTo = [from, ...parts.map((each) => each.downTo)].sort().at(-1)!;
  const all = [...page.items, ...parts.flatMap(({ items }) => items)]
    .filter(({ id }) => id >= downTo)
    .sort((a, b) => a.id < b.id ? 1 : -1);
  const items = all.slice(0, limit);
  const next = all.length > limit ? items.at(-1)!.id : downTo;
  const isStopped = items.length < limit && (page.stopped || parts.some(({ stopped }) => stopped));
  return {
    items,
    ...(next !== "" && { next }),
    searched: parts.reduce((sum, { searched }) => sum + searched, page.searched),
    ...(isStopped && { stopped: true }),
    ...(page.sampled && { sampled: true }),
  };
}

/** Reads the records of a prefix, the newest first, down to the id where the page may end. */
async function part<T>(
  prefix: string,
  { store, query, from, mayMatch, bytesOf, find }: {
    readonly store: Store;
    readonly query: LedgerQuery;
    readonly from: string;
    readonly mayMatch: (value: T) => boolean;
    readonly bytesOf: (value: T) => number;
    readonly find: (id: string) => Promise<LedgerRecord | undefined>;
  },
): Promise<Part> {
  const { before, limit } = query;
  const items: LedgerRecord[] = [];
  let searched = 0;
  let work = 0;
  const range = {
    ...{ prefix: [prefix], reverse: true },
    ...(from !== "" && { start: [prefix, from] }),
    ...(before !== undefined && { end: [prefix, before] }),
  };
  for await (const { key, value } of store.list<T>(range)) {
    const id = String(key[1]);
    searched++;
    work += 1 + bytesOf(value) / BYTES_PER_SEARCHED;
    const record = mayMatch(value) ? await find(id) : undefined;
    if (record && matchesQuery(record, query)) items.push(record);
    const stopped = work >= MAX_SEARCHED;
    if (stopped || items.length > limit) return { items, searched, downTo: id, stopped };
  }
  return { items, searched, downTo: from, stopped: false };
}
