/**
 * The members of a group in sorted pages of some hundred names, so that reading a group costs a
 * record for each page and not for each member. A page is stored under the least name that it may
 * have, so a name belongs to the last page that begins at or before it, and no index is needed. A
 * change checks the version of each page that it writes.
 */

import type { Commit, Store, StoreEntry, StoreKey } from "../core/store.ts";

/** One page of users in the order of their names. */
export interface UserPage {
  readonly users: readonly string[];
  /** The user after which the next page begins; absent on the last one. */
  readonly next?: string;
}

/** Which names a page begins behind, and how many it has at most. */
export interface MembersAfter {
  readonly after?: string | undefined;
  readonly limit: number;
}

/** The stored page: its names in UTF-8, a line each. They have no control characters. */
type Packed = Uint8Array;

/** A page to change, and the names that belong to it. */
interface Touched {
  readonly key: StoreKey;
  readonly entry: StoreEntry<Packed> | undefined;
  readonly names: readonly string[];
}

/** Returns the names of a page once some of those that belong to it are added, or are removed. */
type ChangeNames = (
  before: readonly string[],
  changed: readonly string[],
) => readonly string[];

/** Bytes of a page. One user who joins costs a write of this size. */
const MAX_PAGE_BYTES = 8_192;
/** What a full page is cut into, so that the parts have room. */
const PART_BYTES = MAX_PAGE_BYTES * 3 / 4;
const LINE = "\n";
/** What a name takes besides its bytes: in a page, and in a key. */
const NAME_BYTES = 1;
const KEY_BYTES = 8;
/** Names, their bytes in keys, and pages that one commit changes. */
const MAX_NAMES = 900;
const MAX_KEY_BYTES = 50_000;
const MAX_PAGES = 16;
/** Pages in one read, at least, and names for each of which there is one. */
const PAGES_AT_ONCE = 2;
const NAMES_OF_PAGE = 1_000;
/** So many names fewer than were asked for, at most, are not worth another page. */
const MISSING = 400;
const MAX_ATTEMPTS = 100;
/** Is before every name. */
const LOWEST = "";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns up to `limit` names in order, from behind `after`; fewer, so that pages are read once. */
export async function namesBehind(
  store: Store,
  prefix: StoreKey,
  { after = LOWEST, limit }: MembersAfter,
): Promise<UserPage> {
  const atOnce = Math.max(PAGES_AT_ONCE, Math.ceil(limit / NAMES_OF_PAGE));
  const enough = Math.max(limit - MISSING, 0.6 * limit);
  const names: string[] = [];
  let start = [...prefix, await firstNameOf(store, prefix, after)];
  for (;;) {
    let count = 0;
    for await (
      const { key, value } of store.list<Packed>({ prefix, start, limit: atOnce })
    ) {
      count++;
      start = [...prefix, followerOf(String(key.at(-1)))];
      const page = unpack(value);
      const from = names.length > 0 ? 0 : page.findIndex((name) => compareNames(name, after) > 0);
      if (from >= 0) names.push(...page.slice(from));
      if (names.length < enough) continue;
      const users = names.slice(0, limit);
      return { users, next: users.at(-1)! };
    }
    if (count < atOnce) return { users: names };
  }
}

/**
 * Changes the pages that names belong to, some at a time, each commit together with `more`.
 *
 * @param names sorted, each once
 * @returns false where others kept changing the same pages
 */
export async function changeNames(
  store: Store,
  prefix: StoreKey,
  { names, change, more }: {
    readonly names: readonly string[];
    readonly change: ChangeNames;
    readonly more: (names: readonly string[]) => Pick<Commit, "sets" | "deletes">;
  },
): Promise<boolean> {
  let left = names;
  for (let attempt = 0; left.length > 0 && attempt < MAX_ATTEMPTS; attempt++) {
    const touched = await touchedPages(store, prefix, firstOf(left, prefix));
    const count = touched.reduce((sum, { names }) => sum + names.length, 0);
    const { sets = [], deletes = [] } = more(left.slice(0, count));
    const written = touched.map((page) => changesOf(page, prefix, change));
    const isDone = await store.commit({
      checks: touched.map(({ key, entry }) => ({ key, version: entry?.version ?? null })),
      sets: [...written.flatMap((each) => each.sets), ...sets],
      deletes: [...written.flatMap((each) => each.deletes), ...deletes],
    });
    if (!isDone) continue;
    left = left.slice(count);
    attempt = 0;
  }
  return left.length === 0;
}

/** Compares as the store does: by UTF-8, which is the order of code points. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x === y) continue;
    const isAstral = isSurrogate(x);
    return isAstral === isSurrogate(y) ? x - y : isAstral ? 1 : -1;
  }
  return a.length - b.length;
}

/** The first text after a name: names have no control characters. */
export function followerOf(name: string): string {
  return `${name}\u0000`;
}

/** Returns as many of the names as one commit takes, even if each is deleted by a key of its own. */
function firstOf(names: readonly string[], prefix: StoreKey): readonly string[] {
  const keyBytes = encoder.encode(prefix.join()).length + KEY_BYTES;
  let bytes = 0;
  let count = 0;
  while (count < Math.min(names.length, MAX_NAMES) && bytes <= MAX_KEY_BYTES) {
    bytes += keyBytes + encoder.encode(names[count++]).length;
  }
  return names.slice(0, count);
}

/** Returns the first of some names with the pages that they belong to. */
async function touchedPages(
  store: Store,
  prefix: StoreKey,
  names: readonly string[],
): Promise<readonly Touched[]> {
  const first = await firstNameOf(store, prefix, names[0]!);
  // One more page tells where the last of them ends.
  const limit = Math.min(MAX_PAGES, names.length) + 1;
  const entries = new Map<string, StoreEntry<Packed> | undefined>([[first, undefined]]);
  for await (
    const entry of store.list<Packed>({ prefix, start: [...prefix, first], limit })
  ) entries.set(String(entry.key.at(-1)), entry);
  const firstNames = [...entries.keys()];
  const touched: Touched[] = [];
  let from = 0;
  for (const [at, name] of firstNames.entries()) {
    const next = firstNames[at + 1];
    if (next === undefined && entries.size >= limit) break;
    const end = next === undefined
      ? -1
      : names.findIndex((each, at) => at >= from && compareNames(each, next) >= 0);
    const to = end < 0 ? names.length : end;
    if (from < to) {
      const key = [...prefix, name];
      touched.push({ key, entry: entries.get(name), names: names.slice(from, to) });
    }
    if ((from = to) === names.length) break;
  }
  return touched;
}

/** Returns what the page is stored under that a name belongs to. */
async function firstNameOf(store: Store, prefix: StoreKey, name: string): Promise<string> {
  if (name === LOWEST) return LOWEST;
  const range = { prefix, end: [...prefix, followerOf(name)], reverse: true, limit: 1 };
  for await (const { key } of store.list(range)) return String(key.at(-1));
  return LOWEST;
}

function changesOf(
  { key, entry, names }: Touched,
  prefix: StoreKey,
  change: ChangeNames,
): Required<Pick<Commit, "sets" | "deletes">> {
  const before = entry ? unpack(entry.value) : [];
  const after = change(before, names);
  if (entry && after.length === before.length) return { sets: [], deletes: [] };
  const parts = partsOf(after);
  const sets = parts.map((part, at) => ({
    key: at === 0 ? key : [...prefix, part[0]!],
    value: pack(part),
  }));
  return { sets, deletes: entry && sets.length === 0 ? [key] : [] };
}

/** Cuts names into pages; none where there are no names. */
function partsOf(names: readonly string[]): readonly (readonly string[])[] {
  if (names.length === 0) return [];
  if (pack(names).length <= MAX_PAGE_BYTES) return [names];
  const parts: string[][] = [];
  let bytes = Infinity;
  for (const name of names) {
    const size = encoder.encode(name).length + NAME_BYTES;
    if (bytes + size > PART_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)!.push(name);
    bytes += size;
  }
  return parts;
}

function pack(names: readonly string[]): Packed {
  return encoder.encode(names.join(LINE));
}

function unpack(page: Packed): readonly string[] {
  // `JSON.parse` would enter every short name into the table of all texts, which costs far more.
  return decoder.decode(page).split(LINE);
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
