/**
 * Makes pages of the newest notifications from several sources, each in descending order of the
 * ids: the segments in memory and the stored values of each process. It reads no more than a page
 * needs.
 */

import { quote } from "../core/json.ts";
import {
  type LedgerPage,
  type LedgerQuery,
  matchesQuery,
  MAX_SEARCHED,
} from "../core/ledger_list.ts";
import { decodeItem, itemId } from "./_stored_items.ts";
import { type Slot, slotId } from "./segment.ts";

/** Notifications and records in descending order of their ids. */
type SlotSource = Iterable<Slot> | AsyncIterable<Slot>;

interface Head {
  readonly source: Iterator<Slot> | AsyncIterator<Slot>;
  slot: Slot;
  id: string;
}

/**
 * Returns a page.
 *
 * @param sources where two contain the same id, the earlier one is read
 */
export async function ledgerPage(
  sources: readonly SlotSource[],
  query: LedgerQuery,
): Promise<LedgerPage> {
  const mayMatch = textFilter(query);
  const items: LedgerPage["items"][number][] = [];
  let searched = 0;
  let last = "";
  for await (const slot of merged(sources)) {
    // Only here is it known that there are more.
    if (items.length === query.limit) return { items, next: last, searched };
    if (searched === MAX_SEARCHED) return { items, next: last, searched, stopped: true };
    searched++;
    last = slotId(slot);
    if (!mayMatch(slot)) continue;
    const found = typeof slot === "string" ? decodeItem(slot) : slot;
    if (matchesQuery(found, query)) items.push(found);
  }
  return { items, searched };
}

/** Yields the slots of all sources in descending order of the ids, each id once. */
async function* merged(sources: readonly SlotSource[]): AsyncGenerator<Slot> {
  const heads: Head[] = [];
  for (const each of sources) {
    const source = Symbol.asyncIterator in each
      ? each[Symbol.asyncIterator]()
      : each[Symbol.iterator]();
    const head = await advanced({ source, slot: "", id: "" });
    if (head) heads.push(head);
  }
  let last: string | undefined;
  while (heads.length > 0) {
    let newest = 0;
    for (let at = 1; at < heads.length; at++) if (heads[at]!.id > heads[newest]!.id) newest = at;
    const head = heads[newest]!;
    if (head.id !== last) yield head.slot;
    last = head.id;
    if (!await advanced(head)) heads.splice(newest, 1);
  }
}

async function advanced(head: Head): Promise<Head | undefined> {
  const next = head.source.next();
  const { done, value } = next instanceof Promise ? await next : next;
  if (done) return undefined;
  head.slot = value;
  head.id = slotId(value);
  return head;
}

/** Returns a cheap check that rules out most stored records before they are decoded. */
function textFilter({ context, user }: LedgerQuery): (slot: Slot) => boolean {
  if (context === undefined) return () => true;
  const start = `${quote(context)},${user === undefined ? "" : `${quote(user)},`}`;
  return (slot) => typeof slot !== "string" || slot.startsWith(start, itemId(slot).length + 4);
}
