/** Authenticates a credential: returns the principal of an API key, a session or a JWT. */

import type { ClientHeaders } from "../core/client_headers.ts";
import { ServiceError } from "../core/errors.ts";
import { type Principal, sessionPrincipal } from "../core/principal.ts";
import type { ApiKeys } from "./api_keys.ts";
import type { JwtVerifier } from "./jwt.ts";
import type { Session } from "./_session_records.ts";
import type { Sessions } from "./sessions.ts";

interface AuthenticatorOptions {
  readonly keys: Pick<ApiKeys, "verify">;
  readonly sessions: Pick<Sessions, "verify" | "isRevoked">;
  /** Absent where JWTs are not accepted. */
  readonly jwt?: JwtVerifier;
  /** Absent: sessions of another service are not taken. */
  readonly elsewhere?: SessionsElsewhere;
}

/** Sessions that another service made, and checks. */
export interface SessionsElsewhere {
  /** Whether a credential, of none of our own forms, is to be checked there. */
  handles(credential: string): boolean;
  /**
   * The user of a session, if it came from this browser.
   *
   * @throws {ServiceError} `unauthenticated`, and where the other service is away an error that says
   * when to try again
   */
  verify(session: string, client: ClientHeaders): Promise<Principal>;
}

/**
 * Returns the principal of a credential: without a promise for an API key and for a cached session.
 * `client` describes the browser, for sessions that another service checks.
 *
 * @throws {ServiceError} `unauthenticated`, `store_unavailable`, `middleware_unavailable`; or the promise
 * rejects with it
 */
export type Authenticate = (
  credential: string | undefined,
  client?: ClientHeaders,
) => Principal | Promise<Principal>;

/** Longer credentials are refused without a check. */
const MAX_CREDENTIAL_LENGTH = 4096;

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Creates the function that checks credentials. */
export function createAuthenticator(
  { keys, sessions, jwt, elsewhere }: AuthenticatorOptions,
): Authenticate {
  async function ofJwt(verify: JwtVerifier, token: string): Promise<Principal> {
    const { principal, sessionId } = await verify(token);
    if (await sessions.isRevoked(sessionId)) throw refused("it was revoked");
    return principal;
  }

  return (credential, client) => {
    if (credential === undefined || credential === "") {
      throw new ServiceError("unauthenticated", "A credential is needed");
    }
    if (credential.length > MAX_CREDENTIAL_LENGTH) throw refused("it is too long");
    const holder = keys.verify(credential);
    if (holder !== undefined) return holder;
    if (credential.startsWith("ses_")) {
      const session = sessions.verify(credential);
      return session instanceof Promise ? session.then(principalOf) : principalOf(session);
    }
    if (jwt !== undefined && JWT.test(credential)) return ofJwt(jwt, credential);
    // Only where browsers bring sessions: a wrong API key is nothing to ask another service about.
    if (client && elsewhere?.handles(credential)) return elsewhere.verify(credential, client);
    throw refused("it is unknown or has expired");
  };
}

/**
 * Returns the credential of an `Authorization` header with the scheme `Bearer` (RFC 6750 §2.1),
 * otherwise undefined. Schemes are case-insensitive (RFC 9110 §11.1).
 */
export function bearer(header: string | null | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header ?? "")?.[1];
}

function principalOf(session: Session | undefined): Principal {
  if (session === undefined) throw refused("the session is unknown or has ended");
  const { id: sessionId, context, user, expiresAt } = session;
  return sessionPrincipal("session", { context, user, sessionId, expiresAt });
}

function refused(reason: string): ServiceError {
  return new ServiceError("unauthenticated", `Cannot accept the credential: ${reason}`);
}
