/**
 * Sessions of users: issues tokens, of which the store has a hash, and revokes sessions and JWTs. A
 * revocation takes effect at once on this node, and on others when they receive the change or their
 * cached copy expires.
 */

import { equalsInConstantTime } from "../core/constant_time.ts";
import type { Change } from "../core/change_feed.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import { LruCache } from "../core/lru_cache.ts";
import type { Commit, Store } from "../core/store.ts";
import { hashSecret, idOfSecret, mintSecret } from "./_secrets.ts";
import { MAX_JWT_LIFETIME_MS } from "./jwt.ts";
import {
  checkSessionRequest,
  RECENT_REVOCATIONS,
  type Session,
  SESSION_KEYS,
  sessionOf,
  type SessionRequest,
  type StoredSession,
  USER_SESSIONS,
} from "./_session_records.ts";

/** The store, the clock and the limits of {@link Sessions}. */
export interface SessionsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Beyond it the oldest session of a user is revoked. @default {100} */
  readonly maxPerUser?: number;
  /** The most cached sessions. @default {20_000} */
  readonly cacheSize?: number;
  /** Milliseconds after which a cached session is read again. @default {30_000} */
  readonly cacheMs?: number;
  /** Called for each session that is revoked on this node. */
  readonly onChanged?: (change: Change) => void;
}

interface Cached {
  readonly stored: StoredSession;
  readonly readAt: number;
}

interface PendingRead {
  readonly id: string;
  revoked: boolean;
}

const PREFIX = "ses";
const DEFAULT_TTL_MS = 24 * 3_600_000;
/** Longer than any JWT is valid, leeway included. */
const REVOCATION_MS = MAX_JWT_LIFETIME_MS + 3_600_000;
const JWT_ID = /^jwt_[\w-]{43}$/;
/** How long a revocation counts as recent. */
const RECENT_MS = 3_600_000;

/** The sessions in a store, which it borrows. What uses that may throw `store_unavailable`. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #store: Store;
  readonly #cache: LruCache<Cached>;
  readonly #pendingReads = new Set<PendingRead>();
  readonly #listeners = new Set<(sessionId: string) => void>();

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#cache = new LruCache(options.cacheSize ?? 20_000);
  }

  /**
   * Issues a session. The token is not stored.
   *
   * @throws {ServiceError} `invalid_request`, `conflict`
   */
  async create(
    request: SessionRequest,
  ): Promise<{ readonly session: Session; readonly token: string }> {
    const { context, user, client, ttlMs = DEFAULT_TTL_MS } = request;
    checkSessionRequest({ ...request, ttlMs });
    await this.#revokeSurplus(context, user);
    const now = this.#options.clock.now();
    const { id, secret, hash } = mintSecret(PREFIX);
    const session: Session = {
      id,
      context,
      user,
      ...(client === undefined ? {} : { client }),
      createdAt: now,
      expiresAt: now + ttlMs,
    };
    const stored: StoredSession = { v: 1, ...session, hash };
    const key = SESSION_KEYS.session(id);
    const done = await this.#store.commit({
      checks: [{ key, version: null }],
      sets: [
        { key, value: stored, expireInMs: ttlMs },
        { key: SESSION_KEYS.ofUser(session), value: { v: 1 }, expireInMs: ttlMs },
      ],
    });
    if (!done) {
      throw new ServiceError("conflict", "Cannot create the session: its id is taken; try again");
    }
    return { session, token: secret };
  }

  /**
   * Returns the session of a token, without a promise if it is cached; undefined where it does not
   * exist or has ended.
   */
  verify(token: string): Session | undefined | Promise<Session | undefined> {
    const id = idOfSecret(PREFIX, token);
    if (id === undefined) return undefined;
    const hash = hashSecret(token);
    const cached = this.#cached(id);
    if (cached !== undefined) return this.#accept(cached, hash);
    return this.#read(id).then((stored) => stored && this.#accept(stored, hash));
  }

  /** Returns the session of an id; undefined where it does not exist or has ended. */
  async get(id: string): Promise<Session | undefined> {
    const entry = await this.#store.get<StoredSession>(SESSION_KEYS.session(id));
    return entry !== undefined && this.#isLive(entry.value) ? sessionOf(entry.value) : undefined;
  }

  /** Returns a user's sessions, the oldest first. */
  async list(context: string, user: string): Promise<readonly Session[]> {
    const ids: string[] = [];
    for await (const { key } of this.#store.list({ prefix: [USER_SESSIONS, context, user] })) {
      ids.push(key.at(-1) as string);
    }
    const entries = await this.#store.getMany<StoredSession>(ids.map(SESSION_KEYS.session));
    return entries.flatMap((entry) =>
      entry !== undefined && this.#isLive(entry.value) ? [sessionOf(entry.value)] : []
    ).sort((a, b) => a.createdAt - b.createdAt);
  }

  /**
   * Revokes a session, or a JWT by its session id, and calls the listeners. Returns false where the
   * session does not exist. For a JWT it always returns true, because JWTs are not stored.
   */
  async revoke(id: string): Promise<boolean> {
    const recent = this.#recentRevocation(id);
    let commit: Commit;
    if (JWT_ID.test(id)) {
      const key = SESSION_KEYS.revokedJwt(id);
      commit = { sets: [{ key, value: { v: 1 }, expireInMs: REVOCATION_MS }, ...recent] };
    } else {
      const entry = await this.#store.get<StoredSession>(SESSION_KEYS.session(id));
      if (entry === undefined) return false;
      commit = { deletes: [entry.key, SESSION_KEYS.ofUser(entry.value)], sets: recent };
    }
    try {
      await this.#store.commit(commit);
    } finally {
      // Also after a failure: the commit may have succeeded.
      this.applyRevoked(id);
      this.#options.onChanged?.({ kind: "session", id });
    }
    return true;
  }

  /** Applies a revocation: drops the session from the cache and calls the listeners. */
  applyRevoked(id: string): void {
    this.#cache.delete(id);
    for (const read of this.#pendingReads) if (read.id === id) read.revoked = true;
    for (const listener of this.#listeners) listener(id);
  }

  /**
   * Applies all revocations of the last hour. Called when changes of other nodes may have been lost.
   */
  async applyMissed(): Promise<void> {
    this.#cache.clear();
    for await (const { key } of this.#store.list({ prefix: [RECENT_REVOCATIONS] })) {
      this.applyRevoked(key.at(-1) as string);
    }
  }

  /** Revokes every session of a user and returns their number. JWTs are not among them. */
  async revokeUser(context: string, user: string): Promise<number> {
    let revoked = 0;
    for (const { id } of await this.list(context, user)) if (await this.revoke(id)) revoked++;
    return revoked;
  }

  /** Returns whether a JWT was revoked, by its session id. */
  async isRevoked(jwtSessionId: string): Promise<boolean> {
    return await this.#store.get(SESSION_KEYS.revokedJwt(jwtSessionId)) !== undefined;
  }

  /** Calls `listener` with the id of every revoked session, until the result is called. */
  onRevoked(listener: (sessionId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #revokeSurplus(context: string, user: string): Promise<void> {
    const { maxPerUser = 100 } = this.#options;
    const sessions = await this.list(context, user);
    for (const { id } of sessions.slice(0, Math.max(0, sessions.length + 1 - maxPerUser))) {
      await this.revoke(id);
    }
  }

  #cached(id: string): StoredSession | undefined {
    const { clock, cacheMs = 30_000 } = this.#options;
    const cached = this.#cache.get(id);
    return cached && clock.monotonic() - cached.readAt < cacheMs ? cached.stored : undefined;
  }

  async #read(id: string): Promise<StoredSession | undefined> {
    const { clock } = this.#options;
    const read: PendingRead = { id, revoked: false };
    const readAt = clock.monotonic();
    this.#pendingReads.add(read);
    try {
      const stored = (await this.#store.get<StoredSession>(SESSION_KEYS.session(id)))?.value;
      // A session that was revoked during the read may still have been returned by it.
      if (stored === undefined || read.revoked) return undefined;
      this.#cache.set(id, { stored, readAt });
      return stored;
    } finally {
      this.#pendingReads.delete(read);
    }
  }

  #accept(stored: StoredSession, hash: string): Session | undefined {
    return equalsInConstantTime(stored.hash, hash) && this.#isLive(stored)
      ? sessionOf(stored)
      : undefined;
  }

  #isLive({ expiresAt }: Session): boolean {
    return expiresAt > this.#options.clock.now();
  }

  /** The record for {@link Sessions.applyMissed}; a single node needs none. */
  #recentRevocation(id: string) {
    if (!this.#store.traits.shared) return [];
    return [{ key: SESSION_KEYS.recentRevocation(id), value: { v: 1 }, expireInMs: RECENT_MS }];
  }
}
