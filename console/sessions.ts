/**
 * The sessions of the console. The cookie is random, the store has its hash, so every node knows
 * the session. A session of an API key ends when the key is revoked or expires, one of an issuer
 * when another issuer is configured.
 */

import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "../core/clock.ts";
import type { Principal, Scope } from "../core/principal.ts";
import type { Store } from "../core/store.ts";

/** A session of the console. */
export interface ConsoleSession {
  readonly principal: Principal;
  /** Every form and request that changes something must repeat it. */
  readonly csrf: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** The name of somebody whom an issuer has identified. */
  readonly name?: string;
  /** What that issuer wants back at the sign-out. */
  readonly idToken?: string;
}

interface StoredConsoleSession {
  readonly v: 1;
  readonly principal: string;
  readonly csrf: string;
  readonly expiresAt: number;
  /** Only for a session that no API key stands behind. */
  readonly granted?: {
    readonly scopes: readonly Scope[];
    readonly contexts?: readonly string[];
    readonly issuer: string;
    readonly name: string;
    readonly idToken?: string;
  };
}

interface ConsoleSessionsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, "now">;
  /** Returns the principal of an API key by its id, while the key is valid. */
  readonly principalOfKey: (id: string) => Principal | undefined;
  /** Whether this issuer is still the one that people sign in with. */
  readonly trustsIssuer: (issuer: string) => boolean;
}

/** Whom an issuer has identified, and for how long that counts. */
interface IssuedSession {
  readonly name: string;
  readonly idToken: string;
  readonly issuer: string;
  readonly lifetimeMs: number;
}

const PREFIX = "consoleSession";
const SECRET_BYTES = 32;
const LIFETIME_MS = 12 * 3_600_000;
/** A longer id token is not kept: then the sign-out does not reach the issuer. */
const MAX_ID_TOKEN = 8_192;

/** Begins, finds and ends sessions. Every method may throw `ServiceError` `store_unavailable`. */
export class ConsoleSessions {
  readonly #options: ConsoleSessionsOptions;

  constructor(options: ConsoleSessionsOptions) {
    this.#options = options;
  }

  /** Begins a session; returns the value of its cookie. */
  async begin(principal: Principal, issued?: IssuedSession): Promise<string> {
    const { store, clock } = this.#options;
    const secret = randomBytes(SECRET_BYTES).toString("base64url");
    const { scopes, contexts } = principal;
    const lifetimeMs = issued?.lifetimeMs ?? LIFETIME_MS;
    const value: StoredConsoleSession = {
      v: 1,
      principal: principal.id,
      csrf: randomBytes(SECRET_BYTES).toString("base64url"),
      expiresAt: clock.now() + lifetimeMs,
      ...(issued && {
        granted: {
          ...{ scopes: [...scopes], issuer: issued.issuer, name: issued.name },
          ...(contexts && { contexts: [...contexts] }),
          ...(issued.idToken.length <= MAX_ID_TOKEN && { idToken: issued.idToken }),
        },
      }),
    };
    await store.commit({ sets: [{ key: keyOf(secret), value, expireInMs: lifetimeMs }] });
    return secret;
  }

  /** Returns the session of a cookie; undefined where it does not exist or has ended. */
  async find(secret: string | undefined): Promise<ConsoleSession | undefined> {
    if (secret === undefined || secret === "") return undefined;
    const { store, clock, principalOfKey, trustsIssuer } = this.#options;
    const stored = (await store.get<StoredConsoleSession>(keyOf(secret)))?.value;
    if (stored === undefined || stored.expiresAt <= clock.now()) return undefined;
    const { csrf, expiresAt, granted } = stored;
    if (!granted) {
      const principal = principalOfKey(stored.principal);
      return principal && { principal, csrf, expiresAt };
    }
    if (!trustsIssuer(granted.issuer)) return undefined;
    const { name, idToken } = granted;
    return {
      ...{ principal: grantedPrincipal(stored.principal, granted), csrf, expiresAt, name },
      ...(idToken !== undefined && { idToken }),
    };
  }

  /** Ends a session. */
  async end(secret: string): Promise<void> {
    await this.#options.store.commit({ deletes: [keyOf(secret)] });
  }
}

function grantedPrincipal(
  id: string,
  { scopes, contexts }: NonNullable<StoredConsoleSession["granted"]>,
): Principal {
  return {
    ...{ id, kind: "jwt", scopes: new Set(scopes) },
    ...(contexts && { contexts: new Set(contexts) }),
  };
}

function keyOf(secret: string) {
  return [PREFIX, createHash("sha256").update(secret).digest("base64url")];
}
