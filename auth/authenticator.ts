/** From a credential, wherever it was carried, to the caller that it stands for. */

import type { ClientHeaders } from "../core/client_headers.ts";
import { ServiceError } from "../core/errors.ts";
import type { Principal, Scope } from "../core/principal.ts";
import type { ApiKeys } from "./api_keys.ts";
import type { JwtVerifier } from "./jwt.ts";
import type { Session, Sessions } from "./sessions.ts";

/** What an authenticator asks. */
export interface AuthenticatorOptions {
  readonly keys: Pick<ApiKeys, "verify">;
  readonly sessions: Pick<Sessions, "verify" | "isRevoked">;
  /** Absent: JWTs are not taken. */
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
 * Checks a credential: an API key (at once), a minted session (at once where it is known) or a
 * JWT, or a session of another service, which is asked about with what the request says of its
 * browser.
 *
 * @throws {ServiceError} `unauthenticated`, `store_unavailable`, `middleware_unavailable`; as a
 * rejection where it returns a promise.
 */
export type Authenticate = (
  credential: string | undefined,
  client?: ClientHeaders,
) => Principal | Promise<Principal>;

/** Longer ones are refused unread. */
export const MAX_CREDENTIAL_LENGTH = 4096;

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The function that checks credentials. */
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
 * The credential within an `Authorization` header, or `undefined` where there is none of the
 * scheme `Bearer` (RFC 6750 §2.1; schemes are case-insensitive, RFC 9110 §11.1).
 */
export function bearer(header: string | null | undefined): string | undefined {
  return /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header ?? "")?.[1];
}

function principalOf(session: Session | undefined): Principal {
  if (session === undefined) throw refused("the session is unknown or has ended");
  const { id, context, user, expiresAt } = session;
  return {
    id: `session:${id}`,
    kind: "session",
    scopes: new Set<Scope>(["subscribe"]),
    contexts: new Set([context]),
    user: { context, user, sessionId: id, expiresAt },
  };
}

function refused(reason: string): ServiceError {
  return new ServiceError("unauthenticated", `Cannot accept the credential: ${reason}`);
}
