/**
 * How subscriptions are stored: one document per user, which is all that a publish reads, and three
 * indexes: the owner of a token, the owner of an id, and the expiry times. Each commit is derived
 * from the documents before and after, so the indexes stay consistent.
 */

import { createHash } from "node:crypto";
import type { UserName } from "../core/events.ts";
import type { Commit, StoreEntry, StoreKey } from "../core/store.ts";
import type { Subscription, TransportName } from "../core/subscription.ts";
import { addressOf } from "./_addresses.ts";

/** What identifies a token: it belongs to one user per client and transport, unless it is shared. */
export type TokenName =
  & Pick<Subscription, "transport" | "client" | "token">
  & Partial<Pick<Subscription, "context" | "user" | "shared">>;

/** A subscription within its user's document. */
type Stored = Omit<Subscription, "context" | "user">;

/** The document of one user. */
export interface Document {
  readonly v: 1;
  readonly subscriptions: readonly Stored[];
}

/** A value of the token index and of the other two. */
export interface IndexRecord extends UserName {
  readonly v: 1;
}

/** A document as it was read; the commit checks `version`. */
export interface Loaded {
  readonly owner: UserName;
  readonly version: string | null;
  readonly subscriptions: readonly Subscription[];
}

/** A document before and after a change. */
export interface SubscriptionChange {
  readonly before: Loaded;
  readonly after: readonly Subscription[];
}

/** First part of the keys of the documents. */
export const DOCUMENTS = "subscriptions";
/** First part of the keys of the expiry index. */
export const EXPIRIES = "subscriptionExpiry";

/** The key of a user's document. */
export function documentKey({ context, user }: UserName): StoreKey {
  return [DOCUMENTS, context, user];
}

/** The key of a subscription in the index by id. */
export function idKey(id: string): StoreKey {
  return ["subscriptionId", id];
}

/** Tokens are hashed: keys stay short and do not reveal them. */
export function tokenKey(name: TokenName): StoreKey {
  const { context, user, shared } = name;
  const address = addressOf(name);
  // A shared token has an owner in each user, and none takes it from another.
  return hashedKey(name, shared ? JSON.stringify([context, user, address]) : address);
}

/** Where earlier versions stored the owner of a token that contains its page's key. */
export function earlierTokenKeys(name: TokenName): StoreKey[] {
  return addressOf(name) === name.token ? [] : [hashedKey(name, name.token)];
}

function hashedKey({ transport, client }: TokenName, text: string): StoreKey {
  const name: TransportName = transport;
  return ["token", name, client, createHash("sha256").update(text).digest("base64url")];
}

/** Returns the stored document, or an empty one. */
export function loaded(owner: UserName, entry: StoreEntry<Document> | undefined): Loaded {
  const { context, user } = owner;
  return {
    owner: { context, user },
    version: entry?.version ?? null,
    subscriptions: (entry?.value.subscriptions ?? []).map((stored) => ({
      ...stored,
      context,
      user,
    })),
  };
}

/** Builds the document of a user with these subscriptions. */
export function documentOf(subscriptions: readonly Subscription[]): Document {
  return {
    v: 1,
    subscriptions: subscriptions.map(({ context: _context, user: _user, ...stored }) => stored),
  };
}

/** Builds the commit that applies changes to documents and indexes. */
export function commitOf(changes: readonly SubscriptionChange[]): Commit {
  const sets: { key: StoreKey; value: unknown }[] = [];
  const deletes: StoreKey[] = [];
  for (const { before, after } of changes) {
    const key = documentKey(before.owner);
    if (after.length > 0) sets.push({ key, value: documentOf(after) });
    else if (before.version !== null) deletes.push(key);
    for (const gone of before.subscriptions) {
      if (!after.includes(gone)) deletes.push(...indexKeys(gone), ...earlierTokenKeys(gone));
    }
    const value: IndexRecord = { v: 1, ...before.owner };
    for (const fresh of after) {
      if (before.subscriptions.includes(fresh)) continue;
      for (const key of indexKeys(fresh)) sets.push({ key, value });
    }
  }
  // A key that is both deleted and set is set: the token moves to another user.
  return {
    checks: changes.map(({ before }) => ({
      key: documentKey(before.owner),
      version: before.version,
    })),
    sets,
    deletes,
  };
}

function indexKeys(subscription: Subscription): StoreKey[] {
  const keys = [idKey(subscription.id), tokenKey(subscription)];
  if (subscription.expiresAt !== undefined) {
    keys.push([EXPIRIES, subscription.expiresAt, subscription.id]);
  }
  return keys;
}
