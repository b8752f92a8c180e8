/** What is stored of a notification to many users, and under which keys. */

import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Commit, StoreKey } from "../core/store.ts";

/** Who receives a notification, besides users by their names. */
export type Audience =
  /** Users with a session of this service or a subscription. */
  | { readonly kind: "everyone" }
  /** Users with a subscription to the topic of the notification. */
  | { readonly kind: "subscribers" }
  | { readonly kind: "group"; readonly group: string };

/** Where the users of a notification come from. */
export type FanoutSource =
  | { readonly kind: "users"; readonly users: readonly string[] }
  | Audience
  /** Those of an earlier notification, of which what was shown is dismissed. */
  | { readonly kind: "dismissal"; readonly of: string };

type Template = Omit<Notification, "data" | "user"> & { readonly data: Uint8Array };

/** What is stored of a notification to many users. */
export interface FanoutRecord {
  readonly v: 1;
  readonly state: "waiting" | "running" | "done" | "cancelled";
  readonly template: Template;
  readonly source: Exclude<FanoutSource, { kind: "users" }> | { readonly kind: "users" };
  /** Epoch milliseconds at which it begins; with `local`, of the earliest page. */
  readonly atMs: number;
  /** The local time at which each user is notified; absent: all at once. */
  readonly local?: string;
  /** The page that is next, and where it begins in the audience. */
  readonly page: number;
  /** Users in a page, at most. */
  readonly pageSize: number;
  readonly after?: string;
  /** Users so far. */
  readonly users: number;
  /** The page whose notifications are cancelled next; absent unless it was cancelled. */
  readonly recall?: number;
  /** Users of pages that were cancelled before they were accepted. */
  readonly cancelled?: number;
}

/** A page of its users. */
export interface FanoutPage {
  /** The names as JSON in UTF-8. */
  readonly users: Uint8Array;
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
  /** The ids of their notifications, packed by {@link packIds}, once they are accepted. */
  readonly ids?: string;
  /** Epoch milliseconds at which a page of one local time is accepted. */
  readonly atMs?: number;
  /** Of such a page: it is being accepted, or never will be. */
  readonly state?: "releasing" | "cancelled";
}

/** The first part of the keys of the records, which ids follow. */
export const FANOUT_PREFIX = "fanout";
/** Users in a page, at most. */
const MAX_PAGE = 1_000;
/** Bytes of all notifications of a page, the names of its users apart, which are in one commit. */
const MAX_COMMIT_BYTES = 500_000;
/** What a notification takes in a store besides its fields and its user. */
const OVERHEAD_BYTES = 200;
/** Bytes of a page in the store, and what the id of a notification takes of them. */
const MAX_PAGE_BYTES = 60_000;
const ID_BYTES = 40;
/** Is in no id. */
const SHARED = "/";
/** How long pages are kept that are never read: longer than anything is scheduled ahead. */
export const PAGE_KEEP_MS = 32 * 24 * 3_600_000;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Encodes a text, which takes no more in a store than in a request. */
export function bytesOfText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Reads what {@link bytesOfText} has encoded. */
export function textOfBytes(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The final states of its parts, and the present time. */
interface FanoutProgress {
  readonly states: Readonly<Record<string, number>>;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** Returns the record of a notification to many users as the API shows it. */
export function fanoutLedgerRecord(record: FanoutRecord, progress: FanoutProgress): LedgerRecord {
  const { template, state, users: count, atMs } = record;
  const { id, context, topic, acceptedAt, collapseKey } = template;
  const shown = fanoutState(record, progress);
  return {
    ...{ id, context, user: "", topic, acceptedAt, state: shown, targets: [] },
    users: { count, states: progress.states },
    ...(collapseKey !== undefined && { collapseKey }),
    ...(shown === "scheduled" && { deliverAt: atMs }),
    ...(state === "done" && count === 0 && { reason: "no_users" }),
  };
}

function fanoutState(
  { state, users, atMs, local, recall }: FanoutRecord,
  { states, now }: FanoutProgress,
): LedgerRecord["state"] {
  if (state === "cancelled") return "cancelled";
  const isLater = local !== undefined && recall === undefined && users > 0 && now < atMs;
  if (state === "waiting" || isLater) return "scheduled";
  if (state === "running" || settledOf(states) < users) return "in_flight";
  if (states["delivered"]) return "delivered";
  return states["cancelled"] ? "cancelled" : "suppressed";
}

/** Returns the record once a page is accepted. */
export function movedOn(
  { after: _, ...record }: FanoutRecord,
  { users, value: { next } }: { readonly users: readonly string[]; readonly value: FanoutPage },
): FanoutRecord {
  return {
    ...record,
    state: next === undefined ? "done" : "running",
    page: record.page + 1,
    users: record.users + users.length,
    ...(next !== undefined && { after: next }),
  };
}

/** Returns how many parts have a final state. */
export function settledOf(states: Readonly<Record<string, number>>): number {
  return Object.values(states).reduce((sum, each) => sum + each, 0);
}

/** Returns how many users a page has, given what all of them get and the size of the buffer. */
export function pageSizeOf({ data, ...fields }: Template, maxNotifications: number): number {
  const bytes = data.length + bytesOfText(JSON.stringify(fields)).length + OVERHEAD_BYTES;
  const fitting = Math.floor(MAX_COMMIT_BYTES / bytes);
  return Math.max(1, Math.min(MAX_PAGE, fitting, Math.floor(maxNotifications / 4)));
}

/** Whether users, and later the ids of their notifications, fit into one value of the store. */
export function fitsPage(users: readonly string[]): boolean {
  return bytesOfText(JSON.stringify(users)).length + ID_BYTES * users.length <= MAX_PAGE_BYTES;
}

/** Cuts users into pages, each once. */
export function pagesOf(
  given: readonly string[],
  { pageSize, keyOf }: {
    readonly pageSize: number;
    readonly keyOf: (page: number) => StoreKey;
  },
): NonNullable<Commit["sets"]> {
  const users = [...new Set(given)];
  const pages: { key: StoreKey; value: FanoutPage; expireInMs: number }[] = [];
  for (let at = 0; at < users.length;) {
    let size = pageSize;
    while (size > 1 && !fitsPage(users.slice(at, at + size))) size = Math.ceil(size / 2);
    const part = users.slice(at, at += size);
    const value = {
      users: bytesOfText(JSON.stringify(part)),
      ...(at < users.length && { next: String(pages.length + 1) }),
    };
    pages.push({ key: keyOf(pages.length), value, expireInMs: PAGE_KEEP_MS });
  }
  return pages;
}

/** Returns the users of a page. */
export function usersOf({ users }: FanoutPage): readonly string[] {
  return JSON.parse(textOfBytes(users));
}

/** Returns the stored form of ids, without the start and the end that all of them have. */
export function packIds(ids: readonly string[]): string {
  const [first = ""] = ids;
  if (ids.length < 2) return first;
  let head = first;
  for (const id of ids) while (!id.startsWith(head)) head = head.slice(0, -1);
  let tail = first.slice(head.length);
  for (const id of ids) while (!id.endsWith(tail)) tail = tail.slice(1);
  const parts = ids.map((id) => id.slice(head.length, id.length - tail.length));
  return `${head}${SHARED}${tail}${SHARED}${parts.join()}`;
}

/** Returns the ids of the notifications of a page; `undefined` where they are not accepted. */
export function idsOf(page: FanoutPage | undefined): readonly string[] | undefined {
  if (page?.ids === undefined) return undefined;
  if (page.ids === "") return [];
  // An earlier version stored them whole.
  if (!page.ids.includes(SHARED)) return page.ids.split(",");
  const [head, tail, parts] = page.ids.split(SHARED);
  return parts!.split(",").map((part) => `${head}${part}${tail}`);
}

/** Returns the key of a record. */
export function recordKey(id: string): StoreKey {
  return [FANOUT_PREFIX, id];
}

/** Returns the key of a page of users by their names, who are notified at different times. */
export function namesKey(id: string, page: number): StoreKey {
  return ["fanoutNames", id, page];
}

/** Returns the key under which a page is accepted once. */
export function acceptedKey(id: string, page: number): StoreKey {
  return ["idempotency", "fanout", id, page];
}

/** Returns the key of a page. */
export function pageKey(id: string, page: number): StoreKey {
  return ["fanoutPage", id, page];
}
