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
  /** Epoch milliseconds at which it begins. */
  readonly atMs: number;
  /** The page that is next, and where it begins in the audience. */
  readonly page: number;
  /** Users in a page, at most. */
  readonly pageSize: number;
  readonly after?: string;
  /** Users so far. */
  readonly users: number;
}

/** A page of its users. */
export interface FanoutPage {
  /** The names as JSON in UTF-8. */
  readonly users: Uint8Array;
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
  /** Their notifications, once they are accepted. */
  readonly ids?: readonly string[];
}

/** The first part of the keys of the records, which ids follow. */
export const FANOUT_PREFIX = "fanout";
/** Users in a page, at most. */
const MAX_PAGE = 1_000;
/** Bytes of all notifications of a page, which are accepted in one commit. */
const MAX_COMMIT_BYTES = 500_000;
/** About what a notification takes besides its data. */
const OVERHEAD_BYTES = 1_500;
/** Bytes of a page in the store, and what the id of a notification takes of them. */
const MAX_PAGE_BYTES = 60_000;
const ID_BYTES = 40;
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

/** Returns the state of a notification to many users, given how many of its parts are settled. */
export function fanoutState(
  { state, users }: FanoutRecord,
  { settled, delivered }: { readonly settled: number; readonly delivered: number },
): LedgerRecord["state"] {
  if (state === "waiting") return "scheduled";
  if (state === "cancelled") return "cancelled";
  if (state === "running" || settled < users) return "in_flight";
  return delivered > 0 ? "delivered" : "suppressed";
}

/** Returns how many users a page has, given the bytes of the data and the size of the buffer. */
export function pageSizeOf(dataBytes: number, maxNotifications: number): number {
  const fitting = Math.floor(MAX_COMMIT_BYTES / (dataBytes + OVERHEAD_BYTES));
  return Math.max(1, Math.min(MAX_PAGE, fitting, Math.floor(maxNotifications / 4)));
}

/** Whether users, and later the ids of their notifications, fit into one value of the store. */
export function fitsPage(users: readonly string[]): boolean {
  return bytesOfText(JSON.stringify(users)).length + ID_BYTES * users.length <= MAX_PAGE_BYTES;
}

/** Cuts users into pages, each once. */
export function pagesOf(
  id: string,
  given: readonly string[],
  { pageSize }: { readonly pageSize: number },
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
    pages.push({ key: pageKey(id, pages.length), value, expireInMs: PAGE_KEEP_MS });
  }
  return pages;
}

/** Returns the users of a page. */
export function usersOf({ users }: FanoutPage): readonly string[] {
  return JSON.parse(textOfBytes(users));
}

/** Returns the key of a record. */
export function recordKey(id: string): StoreKey {
  return [FANOUT_PREFIX, id];
}

/** Returns the key of a page. */
export function pageKey(id: string, page: number): StoreKey {
  return ["fanoutPage", id, page];
}
