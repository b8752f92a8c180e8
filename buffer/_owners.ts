/** What the logs of all processes that share a store hold, looked at from outside. */

import { idTag } from "../core/ids.ts";
import type { Notification } from "../core/notification.ts";
import type { ListRange, Store } from "../core/store.ts";
import { unpackNotifications } from "./_stored_items.ts";
import { AFTER_IDS, LOG_PREFIX, parseLogKey, type StoredSegment } from "./segment.ts";

/** The segment that an id may belong to, as it is stored. */
export interface OwnedRange {
  /** The notification of this id, where the segment has it and it is not settled. */
  readonly notification: Notification | undefined;
  /** First ids of the ledger values that are the segment's owner's to change. */
  readonly ledger: readonly string[];
}

/**
 * Where the segments of all owners are, in the order of their ids, which do not interleave where one
 * process came after the other.
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

/** Whoever has segments, each with one read. */
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
 * The segments that an id may belong to, one of each owner at most. What is being taken over at
 * this very moment may be missed.
 */
export async function findInLogs(store: Store, id: string): Promise<readonly OwnedRange[]> {
  const owners = await listOwners(store);
  const found = await Promise.all(owners.map((owner) => findInLog(store, { owner, id })));
  return found.filter((covering) => covering !== undefined);
}

async function findInLog(
  store: Store,
  { owner, id }: { readonly owner: string; readonly id: string },
): Promise<OwnedRange | undefined> {
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
