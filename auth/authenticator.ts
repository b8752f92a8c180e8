/** From a credential, wherever it was carried, to the caller that it stands for. */

import { ServiceError } from "../core/errors.ts";
import type { Principal, Scope } from "../core/principal.ts";
import type { ApiKeys } from "./api_keys.ts";
import type { JwtVerifier } from "./jwt.ts";
import type { Session, Sessions } from "./sessions.ts";

/** What an authenticator asks. */
interface AuthenticatorOptions {
  readonly keys: Pick<ApiKeys, "verify">;
  readonly sessions: Pick<Sessions, "verify" | "isRevoked">;
  /** Absent: JWTs are not taken. */
  readonly jwt?: JwtVerifier;
}

/**
 * Checks a credential: an API key (at once), a minted session (at once where it is known) or a
 * JWT.
 *
 * @throws {ServiceError} `unauthenticated`, `store_unavailable`; as a rejection where it returns
 * a promise.
 */
export type Authenticate = (credential: string | undefined) => Principal | Promise<Principal>;

/** Longer ones are refused unread. */
const MAX_CREDENTIAL_LENGTH = 4096;

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The function that checks credentials. */
export function createAuthenticator(
  { keys, sessions, jwt }: AuthenticatorOptions,
): Authenticate {
  async function ofJwt(verify: JwtVerifier, token: string): Promise<Principal> {
    const { principal, sessionId } = await verify(token);
    if (await sessions.isRevoked(sessionId)) throw refused("it was revoked");
    return principal;
  }

  return (credential) => {
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
