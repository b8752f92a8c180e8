/** The stored form of sessions and revocations, their keys, their users, and the check of a new one. */

import { refuseFaults } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import type { Store, StoreKey } from "../core/store.ts";
import { MAX_JWT_LIFETIME_MS } from "./jwt.ts";

/** A session that this service issued, without its token. */
export interface Session extends UserName {
  readonly id: string;
  /** The client that it was issued for. */
  readonly client?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** The properties of a new session. */
export interface SessionRequest extends UserName {
  readonly client?: string;
  /** One second to 31 days. @default {86_400_000} */
  readonly ttlMs?: number;
}

/** The record of a session. */
export interface StoredSession extends Session {
  readonly v: 1;
  readonly hash: string;
}

/** First part of the keys of the index by user. */
export const USER_SESSIONS = "userSession";
/** First part of the keys of recent revocations. */
export const RECENT_REVOCATIONS = "revoked";

const MAX_NAME_LENGTH = 255;

/** The keys of the records. */
export const SESSION_KEYS = {
  session: (id: string): StoreKey => ["session", id],
  /** Of a session in the index by user. */
  ofUser: ({ context, user, id }: Session): StoreKey => [USER_SESSIONS, context, user, id],
  /** Marks a JWT as revoked. */
  revokedJwt: (jwtSessionId: string): StoreKey => ["revokedJwt", jwtSessionId],
  /** Marks a session or a JWT as recently revoked. */
  recentRevocation: (id: string): StoreKey => [RECENT_REVOCATIONS, id],
};

/** Returns a session without its hash. */
export function sessionOf({ v: _version, hash: _hash, ...session }: StoredSession): Session {
  return session;
}

/**
 * Checks the properties of a new session.
 *
 * @throws {ServiceError} `invalid_request` with every fault
 */
export function checkSessionRequest(
  { context, user, client, ttlMs }: SessionRequest & { readonly ttlMs: number },
): void {
  const faults = Object.entries({ context, user, client }).filter(([, name]) =>
    name !== undefined &&
    (name === "" || name.length > MAX_NAME_LENGTH || /\p{Cc}/u.test(name))
  ).map(([path]) => ({
    path,
    message: `1 to ${MAX_NAME_LENGTH} characters are needed, none of them a control character`,
  }));
  if (!(Number.isSafeInteger(ttlMs) && ttlMs >= 1_000 && ttlMs <= MAX_JWT_LIFETIME_MS)) {
    faults.push({ path: "ttl", message: "one second to 31 days are needed" });
  }
  refuseFaults("Cannot create the session", faults);
}

/**
 * Returns a page of the users of a context that have sessions, each once, by name. Sessions of JWTs that others
 * issue are not known.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function listSessionUsers(
  store: Store,
  { context, after, limit }: {
    readonly context: string;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<{ readonly users: readonly string[]; readonly next?: string }> {
  const prefix = [USER_SESSIONS, context];
  // Names have no control characters, so that no user is between the two.
  const start = after === undefined ? {} : { start: [...prefix, `${after}\u0000`] };
  const users: string[] = [];
  for await (const { key } of store.list({ prefix, ...start })) {
    const user = String(key[2]);
    if (user === users.at(-1)) continue;
    if (users.length === limit) return { users, next: users.at(-1)! };
    users.push(user);
  }
  return { users };
}
