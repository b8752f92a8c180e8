/**
 * Sessions of the App Suite, as principals. The middleware says whose they are; its answers count for
 * a bounded time. An answer holds for the browser that brought it (cookies, user agent, address), so
 * that a session id read from a log opens nothing.
 */

import { createHash } from "node:crypto";
import { setNewest } from "../core/bounded_map.ts";
import type { ClientHeaders } from "../core/client_headers.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import { LruCache } from "../core/lru_cache.ts";
import { type Principal, sessionPrincipal } from "../core/principal.ts";
import { type Middleware, middlewareCookies } from "./middleware.ts";

interface MiddlewareSessionsOptions {
  readonly middleware: Pick<Middleware, "isConfigured" | "whoami">;
  readonly clock: Pick<Clock, "monotonic">;
  /** Milliseconds for which an answer counts; 0: the middleware is asked every time. */
  readonly cacheAgeMs: () => number;
}

interface Known {
  readonly owner: UserName;
  /** Monotonic milliseconds. */
  readonly askedAt: number;
}

/** What a session was accepted with, for asking again. */
interface Proof {
  readonly session: string;
  readonly client: ClientHeaders;
  /** Whether it was accepted since the last sweep: its socket may not be open yet. */
  isNew: boolean;
}

/** First part of the ids of these sessions. */
const PREFIX = "ox_";
/** The middleware's session ids: 32 hex digits in all versions that are known. */
const SESSION = /^[0-9A-Za-z-]{16,128}$/;
const CACHE_SIZE = 40_000;
/** Sessions that can be asked about again; more than sockets that a node can have. */
const MAX_PROOFS = 200_000;

/** Checks sessions. */
export class MiddlewareSessions {
  readonly #options: MiddlewareSessionsOptions;
  readonly #known = new LruCache<Known>(CACHE_SIZE);
  readonly #asking = new Map<string, Promise<UserName | undefined>>();
  /** By session id, the oldest first. */
  readonly #proofs = new Map<string, Proof>();

  constructor(options: MiddlewareSessionsOptions) {
    this.#options = options;
  }

  /** Whether a credential is to be checked here. */
  handles(credential: string): boolean {
    return this.#options.middleware.isConfigured && SESSION.test(credential);
  }

  /**
   * The user of a session.
   *
   * @throws {ServiceError} `unauthenticated`, `middleware_unavailable`
   */
  async verify(session: string, client: ClientHeaders = {}): Promise<Principal> {
    const owner = await this.#ownerOf(session, client);
    if (owner === undefined) {
      throw new ServiceError(
        "unauthenticated",
        "Cannot accept the session: the Open-Xchange middleware does not know it, or not from " +
          "this browser",
      );
    }
    const id = idOf(session);
    setNewest(this.#proofs, id, { value: { session, client, isNew: true }, max: MAX_PROOFS });
    // The middleware ends its sessions itself.
    return sessionPrincipal("session", { ...owner, sessionId: id, expiresAt: Infinity });
  }

  /**
   * Whether a session that was accepted here is still one; true for others. The cache is not asked.
   *
   * @throws {ServiceError} `middleware_unavailable`
   */
  async isAlive(sessionId: string): Promise<boolean> {
    const proof = this.#proofs.get(sessionId);
    if (proof === undefined) return true;
    const owner = await this.#ask(proof.session, proof.client);
    if (owner === undefined) this.#proofs.delete(sessionId);
    return owner !== undefined;
  }

  /** Forgets how to ask about sessions other than these, and new ones. */
  keepOnly(sessionIds: ReadonlySet<string>): void {
    for (const [id, proof] of this.#proofs) {
      if (!sessionIds.has(id) && !proof.isNew) this.#proofs.delete(id);
      proof.isNew = false;
    }
  }

  #ownerOf(session: string, client: ClientHeaders): Promise<UserName | undefined> {
    const { clock, cacheAgeMs } = this.#options;
    const known = this.#known.get(cacheKey(session, client));
    if (known && clock.monotonic() - known.askedAt < cacheAgeMs()) {
      return Promise.resolve(known.owner);
    }
    return this.#ask(session, client);
  }

  /** Callers that ask the same at the same time share the answer. */
  #ask(session: string, client: ClientHeaders): Promise<UserName | undefined> {
    const key = cacheKey(session, client);
    const running = this.#asking.get(key);
    if (running) return running;
    const { clock, middleware } = this.#options;
    const askedAt = clock.monotonic();
    const asked = middleware.whoami(session, client).then((owner) => {
      if (owner === undefined) this.#known.delete(key);
      else this.#known.set(key, { owner, askedAt });
      return owner;
    }).finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }
}

/** Whether a session id is one of these. */
export function isMiddlewareSession(sessionId: string): boolean {
  return sessionId.startsWith(PREFIX);
}

/** Says nothing of the session, which is a credential. */
function idOf(session: string): string {
  return PREFIX + createHash("sha256").update(session).digest("base64url");
}

function cacheKey(session: string, { cookie, userAgent, forwardedFor }: ClientHeaders): string {
  const cookies = cookie === undefined ? "" : middlewareCookies(cookie);
  return createHash("sha256")
    .update(JSON.stringify([session, cookies, userAgent, forwardedFor])).digest("base64url");
}
