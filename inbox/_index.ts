/** The index of a user's inbox: which notifications are in it, since when, and which are read. Pure. */

/** Ids oldest first, as stored. */
export interface InboxIndex {
  readonly v: 1;
  readonly items: readonly StoredEntry[];
}

/** Epoch milliseconds, and 1 where it was read. */
type StoredEntry = readonly [id: string, at: number, read: 0 | 1];

/** One notification of an inbox. */
interface IndexEntry {
  readonly id: string;
  readonly at: number;
  readonly read: boolean;
}

/** Which part of an inbox is asked for. */
export interface PageRequest {
  readonly limit: number;
  /** Only what is older than this notification. */
  readonly before?: string;
  readonly unreadOnly?: boolean;
}

/** Which notifications become read or unread: some, or all up to one of them, or all. */
export interface Mark {
  readonly read: boolean;
  readonly ids?: readonly string[];
  readonly upTo?: string;
}

/** An inbox that has nothing. */
export const EMPTY_INDEX: InboxIndex = { v: 1, items: [] };

/** Adds what is not there yet; also returns the ids that had to go for it. */
export function addTo(
  index: InboxIndex,
  added: readonly { readonly id: string }[],
  { maxItems, now }: { readonly maxItems: number; readonly now: number },
): { readonly index: InboxIndex; readonly dropped: readonly string[] } {
  const known = new Set(index.items.map(([id]) => id));
  const fresh = added.filter(({ id }) => !known.has(id) && known.add(id));
  if (fresh.length === 0) return { index, dropped: [] };
  const all = [...index.items, ...fresh.map(({ id }): StoredEntry => [id, now, 0])];
  const excess = Math.max(0, all.length - maxItems);
  return {
    index: { v: 1, items: all.slice(excess) },
    dropped: all.slice(0, excess).map(([id]) => id),
  };
}

/** Leaves out what arrived before a time. */
export function withoutOld(index: InboxIndex, since: number): InboxIndex {
  const first = index.items.findIndex(([, at]) => at >= since);
  if (first === 0 || index.items.length === 0) return index;
  return first < 0 ? EMPTY_INDEX : { v: 1, items: index.items.slice(first) };
}

/** Returns the same index where nothing changes. */
export function markIn(index: InboxIndex, { read, ids, upTo }: Mark): InboxIndex {
  const chosen = ids && new Set(ids);
  const end = upTo === undefined ? index.items.length : placeOf(index, upTo) + 1;
  const value = read ? 1 : 0;
  let hasChanged = false;
  const items = index.items.map((entry, place): StoredEntry => {
    const [id, at, former] = entry;
    const isMeant = chosen ? chosen.has(id) : place < end;
    if (!isMeant || former === value) return entry;
    hasChanged = true;
    return [id, at, value];
  });
  return hasChanged ? { v: 1, items } : index;
}

/** How many are unread. */
export function unreadIn({ items }: InboxIndex): number {
  return items.reduce((sum, [, , read]) => sum + (1 - read), 0);
}

/** A page, newest first; empty where `before` is no more in the inbox. */
export function inboxPageOf(
  index: InboxIndex,
  { limit, before, unreadOnly = false }: PageRequest,
): { readonly entries: readonly IndexEntry[]; readonly next: string | undefined } {
  const end = before === undefined ? index.items.length : Math.max(0, placeOf(index, before));
  const entries: IndexEntry[] = [];
  for (let place = end - 1; place >= 0; place--) {
    const [id, at, read] = index.items[place]!;
    if (unreadOnly && read === 1) continue;
    if (entries.length === limit) return { entries, next: entries.at(-1)!.id };
    entries.push({ id, at, read: read === 1 });
  }
  return { entries, next: undefined };
}

function placeOf({ items }: InboxIndex, wanted: string): number {
  return items.findIndex(([id]) => id === wanted);
}
