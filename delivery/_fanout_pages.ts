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
export interface UserNames {
  readonly users: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

interface PageSources {
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
    return { users: earlier.value.ids ? usersOf(earlier.value) : [], next: String(page + 1) };
  }
  let limit = pageSize;
  let read = await readAudience(source, { context, topic, after, limit });
  while (limit > 1 && !fitsPage(read.users)) {
    limit = Math.ceil(limit / 2);
    read = await readAudience(source, { context, topic, after, limit });
  }
  return read;
}

/** A page of these users as it is stored. */
export function pageOf({ users, next }: UserNames): FanoutPage {
  return {
    users: bytesOfText(JSON.stringify(users)),
    ...(next !== undefined && { next }),
  };
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
  const data = textOfBytes(template.data);
  const earlier = source.kind === "dismissal"
    ? (await store.get<FanoutPage>(pageKey(source.of, page)))?.value.ids
    : undefined;
  const delayMs = atMs === undefined ? 0 : atMs - template.acceptedAt;
  return (ids, acceptedAt) =>
    users.map((user, at) => {
      const made = {
        ...{ ...template, data, user, id: ids[at]!, acceptedAt },
        ...(expiresAt !== undefined && { expiresAt: expiresAt + delayMs }),
      };
      if (!earlier) return made;
      const dismiss = { ...template.options!.dismiss!, id: earlier[at]! };
      const options = { ...template.options, dismiss };
      return { ...made, data: dismissalData(dismiss, template.topic), options };
    });
}
