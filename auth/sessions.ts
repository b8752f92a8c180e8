/**
 * Sessions of users: tokens minted here, of which the store keeps a hash, and the revocation of
 * these and of JWTs. A revocation counts at once on this node; on others once they are told, or at
 * the latest when their cached copy has aged.
 */

import type { Change } from "../core/change_feed.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Store } from "../core/store.ts";
import { hashSecret, idOfSecret, mintSecret, sameHash } from "./_secrets.ts";
import { MAX_JWT_LIFETIME_MS } from "./jwt.ts";
import {
  checkSessionRequest,
  REVOCATION_NOTES,
  revocationKey,
  revokedKey,
  sessionKey,
  sessionOf,
  type StoredSession,
  userSessionKey,
} from "./_session_records.ts";

/** A session that was minted here; never its token. */
export interface Session {
  readonly id: string;
  readonly context: string;
  readonly user: string;
  /** The client that it was minted for. */
  readonly client?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** What a session is to be. */
export interface SessionRequest {
  readonly context: string;
  readonly user: string;
  readonly client?: string;
  /** One second to 31 days. @default {86_400_000} */
  readonly ttlMs?: number;
}

/** What {@link Sessions} are made of. */
export interface SessionsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now" | "monotonic">;
  /** Beyond it a user's oldest session ends. @default {100} */
  readonly maxPerUser?: number;
  /** Sessions held in memory. @default {20_000} */
  readonly cacheSize?: number;
  /** After which a session in memory is read again. @default {30_000} */
  readonly cacheMs?: number;
  /** Told of each session that was revoked here. */
  readonly onChanged?: (change: Change) => void;
}

interface Cached {
  readonly stored: StoredSession;
  readonly readAt: number;
}

interface Reading {
  readonly id: string;
  revoked: boolean;
}

const PREFIX = "ses";
const DEFAULT_TTL_MS = 24 * 3_600_000;
/** Leeway of JWTs, and more. */
const REVOCATION_MS = MAX_JWT_LIFETIME_MS + 3_600_000;
const JWT_ID = /^jwt_[\w-]{43}$/;
/** For so long it is noted that something was revoked. */
const NOTE_MS = 3_600_000;

/** Sessions in a store, which it borrows. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #store: Store;
  /** In the order of use. */
  readonly #cache = new Map<string, Cached>();
  readonly #readings = new Set<Reading>();
  readonly #listeners = new Set<(sessionId: string) => void>();

  constructor(options: SessionsOptions) {
    this.#options = options;
    this.#store = options.store;
  }

  /**
   * Mints a session. The token is not kept.
   *
   * @throws {ServiceError} `invalid_request`, `conflict`, `store_unavailable`
   */
  async create(
    request: SessionRequest,
  ): Promise<{ readonly session: Session; readonly token: string }> {
    const { context, user, client, ttlMs = DEFAULT_TTL_MS } = request;
    checkSessionRequest({ ...request, ttlMs });
    await this.#makeRoom(context, user);
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
    const key = sessionKey(id);
    const done = await this.#store.commit({
      checks: [{ key, version: null }],
      sets: [
        { key, value: stored, expireInMs: ttlMs },
        { key: userSessionKey(session), value: { v: 1 }, expireInMs: ttlMs },
      ],
    });
    if (!done) throw new ServiceError("conflict", "Cannot make the session: try again");
    return { session, token: secret };
  }

  /**
   * The session of a token, at once where it is known; `undefined` where there is none any more.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  verify(token: string): Session | undefined | Promise<Session | undefined> {
    const id = idOfSecret(PREFIX, token);
    if (id === undefined) return undefined;
    const hash = hashSecret(token);
    const cached = this.#cached(id);
    if (cached !== undefined) return this.#accept(cached, hash);
    return this.#read(id).then((stored) => stored && this.#accept(stored, hash));
  }

  /** @throws {ServiceError} `store_unavailable` */
  async get(id: string): Promise<Session | undefined> {
    const entry = await this.#store.get<StoredSession>(sessionKey(id));
    return entry !== undefined && this.#isLive(entry.value) ? sessionOf(entry.value) : undefined;
  }

  /**
   * A user's sessions, the oldest first.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async list(context: string, user: string): Promise<readonly Session[]> {
    const ids: string[] = [];
    for await (const { key } of this.#store.list({ prefix: ["userSession", context, user] })) {
      ids.push(key.at(-1) as string);
    }
    const entries = await this.#store.getMany<StoredSession>(ids.map(sessionKey));
    return entries.flatMap((entry) =>
      entry !== undefined && this.#isLive(entry.value) ? [sessionOf(entry.value)] : []
    ).sort((a, b) => a.createdAt - b.createdAt);
  }

  /**
   * Ends a session, or a JWT by its session id, and tells the listeners. False where there is no
   * such session; a JWT is taken at its word, since nothing is known of it.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async revoke(id: string): Promise<boolean> {
    if (JWT_ID.test(id)) {
      const set = { key: revokedKey(id), value: { v: 1 }, expireInMs: REVOCATION_MS };
      await this.#store.commit({ sets: [set, ...this.#note(id)] });
      this.#revoked(id);
      return true;
    }
    const entry = await this.#store.get<StoredSession>(sessionKey(id));
    if (entry === undefined) return false;
    await this.#store.commit({
      deletes: [sessionKey(id), userSessionKey(entry.value)],
      sets: this.#note(id),
    });
    this.#revoked(id);
    return true;
  }

  /** Follows a revocation by another node: forgets the session and tells the listeners. */
  applyRevoked(id: string): void {
    this.#cache.delete(id);
    for (const reading of this.#readings) if (reading.id === id) reading.revoked = true;
    for (const listener of this.#listeners) listener(id);
  }

  /**
   * Follows all revocations of the last hour, for where some by other nodes may have been missed.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async applyMissed(): Promise<void> {
    this.#cache.clear();
    for await (const { key } of this.#store.list({ prefix: [REVOCATION_NOTES] })) {
      this.applyRevoked(key.at(-1) as string);
    }
  }

  /**
   * Ends every minted session of a user; how many that were.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async revokeUser(context: string, user: string): Promise<number> {
    let revoked = 0;
    for (const { id } of await this.list(context, user)) if (await this.revoke(id)) revoked++;
    return revoked;
  }

  /**
   * Whether a JWT was revoked, by its session id.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async isRevoked(jwtSessionId: string): Promise<boolean> {
    return await this.#store.get(revokedKey(jwtSessionId)) !== undefined;
  }

  /** Calls back with the id of every session that is revoked, until the result is called. */
  onRevoked(listener: (sessionId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async #makeRoom(context: string, user: string): Promise<void> {
    const { maxPerUser = 100 } = this.#options;
    const sessions = await this.list(context, user);
    for (const { id } of sessions.slice(0, Math.max(0, sessions.length + 1 - maxPerUser))) {
      await this.revoke(id);
    }
  }

  #cached(id: string): StoredSession | undefined {
    const { clock, cacheMs = 30_000 } = this.#options;
    const cached = this.#cache.get(id);
    if (cached === undefined) return undefined;
    this.#cache.delete(id);
    if (clock.monotonic() - cached.readAt >= cacheMs) return undefined;
    this.#cache.set(id, cached);
    return cached.stored;
  }

  async #read(id: string): Promise<StoredSession | undefined> {
    const { clock, cacheSize = 20_000 } = this.#options;
    const reading: Reading = { id, revoked: false };
    const readAt = clock.monotonic();
    this.#readings.add(reading);
    try {
      const stored = (await this.#store.get<StoredSession>(sessionKey(id)))?.value;
      // Revoked while it was being read: what was read may be from before.
      if (stored === undefined || reading.revoked) return undefined;
      this.#cache.set(id, { stored, readAt });
      if (this.#cache.size > cacheSize) this.#cache.delete(this.#cache.keys().next().value!);
      return stored;
    } finally {
      this.#readings.delete(reading);
    }
  }

  #accept(stored: StoredSession, hash: string): Session | undefined {
    return sameHash(stored.hash, hash) && this.#isLive(stored) ? sessionOf(stored) : undefined;
  }

  #isLive({ expiresAt }: Session): boolean {
    return expiresAt > this.#options.clock.now();
  }

  /** What {@link Sessions.applyMissed} finds it by; of no use where there is nobody else. */
  #note(id: string) {
    if (!this.#store.traits.shared) return [];
    return [{ key: revocationKey(id), value: { v: 1 }, expireInMs: NOTE_MS }];
  }

  #revoked(id: string): void {
    this.applyRevoked(id);
    this.#options.onChanged?.({ kind: "session", id });
  }
}
