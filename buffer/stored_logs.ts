/**
 * Reads the stored logs of all owners. Every process writes its segments under a name of its own,
 * its owner name, so a store also has those of earlier processes, and of other ones where it is
 * shared.
 */

import { idTag } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { ListRange, Store } from "../core/store.ts";
import { unpackNotifications } from "./_stored_items.ts";
import { AFTER_IDS, LOG_PREFIX, parseLogKey, type StoredSegment } from "./segment.ts";

/** What the stored segment that may cover an id says. */
interface CoveringSegment {
  /** The notification of this id, where the segment has it and it is not settled. */
  readonly notification: Notification | undefined;
  /** First ids of the ledger values that only the segment's owner may write. */
  readonly ledger: readonly string[];
}

/**
 * Returns where the segments of all owners are, in the order of their ids. Ids of two owners do
 * not interleave where one process ran after the other.
 */
export async function rangesInOrder(store: Store): Promise<readonly ListRange[]> {
  // Segments that were written before there were owners are the oldest.
  const ranges: ListRange[] = [{ prefix: LOG_PREFIX, end: [...LOG_PREFIX, AFTER_IDS] }];
  const firsts: { readonly owner: string; readonly firstId: string }[] = [];
  for (const owner of await listOwners(store)) {
    for await (const { key } of store.list({ prefix: [...LOG_PREFIX, owner], limit: 1 })) {
      firsts.push({ owner, firstId: parseLogKey(key).firstId });
    }
  }
  firsts.sort((a, b) => a.firstId < b.firstId ? -1 : 1);
  return [...ranges, ...firsts.map(({ owner }) => ({ prefix: [...LOG_PREFIX, owner] }))];
}

/** Returns the names of all owners that have segments; one read for each. */
export async function listOwners(store: Store): Promise<readonly string[]> {
  const owners: string[] = [];
  for (let from = AFTER_IDS;;) {
    const owner = await firstOwner(store, from);
    if (owner === undefined) return owners;
    owners.push(owner);
    from = `${owner}\u0000`;
  }
}

/**
 * Returns the segments that may cover an id, at most one of each owner. May miss one that another
 * process takes over at this moment.
 */
export async function findInLogs(store: Store, id: string): Promise<readonly CoveringSegment[]> {
  const owners = await listOwners(store);
  const found = await Promise.all(owners.map((owner) => findInLog(store, { owner, id })));
  return found.filter((covering) => covering !== undefined);
}

async function findInLog(
  store: Store,
  { owner, id }: { readonly owner: string; readonly id: string },
): Promise<CoveringSegment | undefined> {
  const prefix = [...LOG_PREFIX, owner, idTag(id)];
  const range = { prefix, end: [...prefix, `${id}\u0000`], reverse: true, limit: 1 };
  for await (const { value } of store.list<StoredSegment>(range)) {
    const waiting = unpackNotifications(value.items);
    return { notification: waiting.find((each) => each.id === id), ledger: value.ledger };
  }
  return undefined;
}

async function firstOwner(store: Store, from: string): Promise<string | undefined> {
  const range = { prefix: LOG_PREFIX, start: [...LOG_PREFIX, from], limit: 1 };
  for await (const { key } of store.list(range)) return String(key[1]);
  return undefined;
}
