/** Reads subscriptions for operators: one by its id, or pages in the order of their users. */

import { Buffer } from "node:buffer";
import { ServiceError } from "../core/errors.ts";
import { parseJsonObject } from "../core/json.ts";
import type { Store, StoreKey } from "../core/store.ts";
import type { Subscription } from "../core/subscription.ts";
import { topicsMatch } from "../core/topic.ts";
import { followerOf } from "./_member_pages.ts";
import type { UserPage } from "./groups.ts";
import { isLive } from "./_edits.ts";
import {
  type Document,
  documentKey,
  DOCUMENTS,
  idKey,
  type IndexRecord,
  loaded,
} from "./_records.ts";

/** Which subscriptions to list: all, those of a context, or those of a user in it. */
export interface ListQuery {
  readonly context?: string;
  /** Requires a context. */
  readonly user?: string;
  /** The cursor of the previous page. */
  readonly cursor?: string;
  /** From 1 to 1,000. @default {100} */
  readonly limit?: number;
}

/** One page of subscriptions. */
export interface SubscriptionPage {
  readonly items: readonly Subscription[];
  /** Present where there may be more. */
  readonly cursor?: string;
}

/** The last item of a page; the next page begins after it. */
type Position = Pick<Subscription, "context" | "user" | "id">;

const MAX_LIMIT = 1000;

/**
 * Returns a subscription, or `undefined` where it does not exist or has expired.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function findSubscription(
  store: Store,
  { id, now }: { readonly id: string; readonly now: number },
): Promise<Subscription | undefined> {
  const index = await store.get<IndexRecord>(idKey(id));
  if (index === undefined) return undefined;
  const entry = await store.get<Document>(documentKey(index.value));
  const found = loaded(index.value, entry).subscriptions.find((one) => one.id === id);
  return found !== undefined && isLive(found, now) ? found : undefined;
}

/**
 * Returns a page of the subscriptions that have not expired.
 *
 * @throws {ServiceError} `invalid_request` for a cursor of another list or a user without a
 * context, `store_unavailable`
 */
export async function listSubscriptions(
  store: Store,
  { context, user, cursor, limit = 100, now }: ListQuery & { readonly now: number },
): Promise<SubscriptionPage> {
  if (user !== undefined && context === undefined) {
    throw new ServiceError("invalid_request", "Cannot list a user's subscriptions: no context", {
      faults: [{ path: "context", message: "is needed with a user" }],
    });
  }
  const count = Math.min(Math.max(1, Math.trunc(limit) || 1), MAX_LIMIT);
  const after = cursor === undefined ? undefined : parseCursor(cursor, { context, user });
  const items: Subscription[] = [];
  for await (const found of documents(store, { context, user, after })) {
    for (const subscription of found.toSorted((a, b) => a.id < b.id ? -1 : 1)) {
      if (!isLive(subscription, now) || isBehind(subscription, after)) continue;
      if (items.length === count) return { items, cursor: formatCursor(items.at(-1)!) };
      items.push(subscription);
    }
  }
  return { items };
}

async function* documents(
  store: Store,
  { context, user, after }: {
    readonly context: string | undefined;
    readonly user: string | undefined;
    readonly after: Position | undefined;
  },
): AsyncGenerator<readonly Subscription[]> {
  if (context !== undefined && user !== undefined) {
    const entry = await store.get<Document>(documentKey({ context, user }));
    yield loaded({ context, user }, entry).subscriptions;
    return;
  }
  const prefix: StoreKey = context === undefined ? [DOCUMENTS] : [DOCUMENTS, context];
  const range = after === undefined ? { prefix } : { prefix, start: documentKey(after) };
  for await (const entry of store.list<Document>(range)) {
    const [, context, user] = entry.key as [string, string, string];
    yield loaded({ context, user }, entry).subscriptions;
  }
}

function isBehind({ context, user, id }: Subscription, after: Position | undefined): boolean {
  return after !== undefined && context === after.context && user === after.user && id <= after.id;
}

function formatCursor({ context, user, id }: Position): string {
  return Buffer.from(JSON.stringify({ context, user, id })).toString("base64url");
}

function parseCursor(
  cursor: string,
  query: { readonly context: string | undefined; readonly user: string | undefined },
): Position {
  const { context, user, id } = parseJsonObject(Buffer.from(cursor, "base64url").toString()) ?? {};
  if (
    typeof context !== "string" || typeof user !== "string" || typeof id !== "string" ||
    (query.context !== undefined && query.context !== context) ||
    (query.user !== undefined && query.user !== user)
  ) {
    throw new ServiceError("invalid_request", "Cannot continue the list: unknown cursor", {
      faults: [{ path: "cursor", message: "not a cursor of this list" }],
    });
  }
  return { context, user, id };
}

/**
 * Returns a page of the users with a subscription that has not expired, in the order of their names.
 *
 * @param options.topic only users who subscribe to it
 * @param options.limit users in the page; a page may have fewer and still not be the last
 * @throws {ServiceError} `store_unavailable`
 */
export async function listSubscribers(
  store: Store,
  { context, topic, after, limit, now }: {
    readonly context: string;
    readonly topic?: string | undefined;
    readonly after?: string | undefined;
    readonly limit: number;
    readonly now: number;
  },
): Promise<UserPage> {
  const users: string[] = [];
  const prefix = [DOCUMENTS, context];
  const start = after === undefined ? {} : { start: [...prefix, followerOf(after)] };
  let last: string | undefined;
  let count = 0;
  for await (const { key, value } of store.list<Document>({ prefix, ...start, limit })) {
    last = String(key.at(-1));
    count++;
    const isWanted = value.subscriptions.some(({ topics, expiresAt = Infinity }) =>
      expiresAt > now && (topic === undefined || topicsMatch(topics, topic))
    );
    if (isWanted) users.push(last);
  }
  return count < limit ? { users } : { users, next: last! };
}

/**
 * Returns those of some users of a context who have a subscription that has not expired.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function subscribersAmong(
  store: Store,
  { context, users, now }: {
    readonly context: string;
    readonly users: readonly string[];
    readonly now: number;
  },
): Promise<ReadonlySet<string>> {
  const found = await store.getMany<Document>(users.map((user) => documentKey({ context, user })));
  return new Set(
    users.filter((_user, at) =>
      found[at]?.value.subscriptions.some(({ expiresAt = Infinity }) => expiresAt > now)
    ),
  );
}
