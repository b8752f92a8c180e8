/** Reads the pages of users that a notification to many goes to, and makes their notifications. */

import { dismissalData } from "../core/delivery_options.ts";
import type { Notification } from "../core/notification.ts";
import type { Store } from "../core/store.ts";
import {
  type Audience,
  bytesOfText,
  type FanoutPage,
  type FanoutRecord,
  fitsPage,
  idsOf,
  namesKey,
  pageKey,
  textOfBytes,
  usersOf,
} from "./_fanout_records.ts";

/** Reads an audience in pages. */
export type ReadAudience = (
  audience: Audience,
  page: {
    readonly context: string;
    readonly topic: string;
    /** The `next` of the page before. */
    readonly after: string | undefined;
    readonly limit: number;
  },
) => Promise<UserNames>;

/** A page of users. */
interface UserNames {
  readonly users: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

/** Where pages are read. */
export interface PageSources {
  readonly store: Store;
  readonly readAudience: ReadAudience;
}

/** Reads the users of the next page from where they come. */
export async function readUsers(
  { template: { id, context, topic }, source, page, pageSize, after }: FanoutRecord,
  { store, readAudience }: PageSources,
): Promise<UserNames> {
  if (source.kind === "users") {
    const named = await store.get<FanoutPage>(namesKey(id, Number(after ?? 0)));
    const { next } = named?.value ?? {};
    return { users: named ? usersOf(named.value) : [], ...(next !== undefined && { next }) };
  }
  if (source.kind === "dismissal") {
    const earlier = await store.get<FanoutPage>(pageKey(source.of, page));
    if (!earlier) return { users: [] };
    // Nothing was sent of a page without ids.
    const isSent = earlier.value.ids !== undefined;
    return { users: isSent ? usersOf(earlier.value) : [], next: String(page + 1) };
  }
  let limit = pageSize;
  let read = await readAudience(source, { context, topic, after, limit });
  while (limit > 1 && !fitsPage(read.users)) {
    limit = Math.ceil(limit / 2);
    read = await readAudience(source, { context, topic, after, limit });
  }
  return read;
}

/** A page of users, with their names read. */
export interface OpenPage {
  readonly page: number;
  readonly users: readonly string[];
  readonly value: FanoutPage;
  /** Whether it is in the store. */
  readonly isStored: boolean;
}

const NOBODY: UserNames = { users: [] };

/**
 * Returns the page that is next, which stays the same once it is stored.
 *
 * @param options.isNew it is known not to be stored
 */
export async function openPage(
  record: FanoutRecord,
  sources: PageSources,
  { isNew = false }: { readonly isNew?: boolean } = {},
): Promise<OpenPage> {
  const { template: { id }, page } = record;
  const isNamed = record.source.kind === "users";
  const [stored, read] = await Promise.all([
    isNew ? undefined : sources.store.get<FanoutPage>(pageKey(id, page)),
    isNamed ? NOBODY : readUsers(record, sources),
  ]);
  if (stored) return { page, users: usersOf(stored.value), value: stored.value, isStored: true };
  const { users, next } = read;
  const value = {
    users: bytesOfText(JSON.stringify(users)),
    ...(next !== undefined && { next }),
  };
  return { page, users, value, isStored: false };
}

/** Returns what makes the notifications of a page, given their ids and the time. */
export async function notificationMaker(
  { template: { expiresAt, ...template }, source }: FanoutRecord,
  { users, page, atMs, store }: {
    readonly users: readonly string[];
    readonly page: number;
    /** When it was to be accepted; absent: at the time of the notification to many. */
    readonly atMs?: number | undefined;
    readonly store: Store;
  },
): Promise<(ids: readonly string[], acceptedAt: number) => readonly Notification[]> {
  const delayMs = atMs === undefined ? 0 : atMs - template.acceptedAt;
  const { id: _, context, topic, priority, acceptedAt: _at, options, data: bytes, ...rest } =
    template;
  const data = textOfBytes(bytes);
  const more = expiresAt === undefined ? rest : { ...rest, expiresAt: expiresAt + delayMs };
  const hasMore = Object.keys(more).length > 0;
  const earlier = source.kind === "dismissal"
    ? idsOf((await store.get<FanoutPage>(pageKey(source.of, page)))?.value)
    : undefined;
  return (ids, acceptedAt) =>
    users.map((user, at) => {
      const id = ids[at]!;
      // A literal is made and read faster than a copy.
      const made = { id, context, user, topic, data, priority, acceptedAt, options: options! };
      if (!earlier) return hasMore ? { ...made, ...more } : made;
      const dismiss = { ...options!.dismiss!, id: earlier[at]! };
      return {
        ...{ ...made, ...more, data: dismissalData(dismiss, topic) },
        options: { ...options, dismiss },
      };
    });
}
