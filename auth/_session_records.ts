/** How sessions and revocations are stored, and what a session may be. */

import { ServiceError } from "../core/errors.ts";
import type { StoreKey } from "../core/store.ts";
import { MAX_JWT_LIFETIME_MS } from "./jwt.ts";
import type { Session, SessionRequest } from "./sessions.ts";

/** What is kept of a session. */
export interface StoredSession extends Session {
  readonly v: 1;
  readonly hash: string;
}

/** First part of the keys of {@link revocationKey}. */
export const REVOCATION_NOTES = "revoked";

const MAX_TTL_MS = MAX_JWT_LIFETIME_MS;
const MAX_NAME_LENGTH = 255;

/** Finds it by its id. */
export function sessionKey(id: string): StoreKey {
  return ["session", id];
}

/** Finds it by its user. */
export function userSessionKey({ context, user, id }: Session): StoreKey {
  return ["userSession", context, user, id];
}

/** Of a JWT that does not count any more. */
export function revokedKey(jwtSessionId: string): StoreKey {
  return ["revokedJwt", jwtSessionId];
}

/** Of a session or a JWT that was revoked a short while ago, whatever it was. */
export function revocationKey(id: string): StoreKey {
  return [REVOCATION_NOTES, id];
}

/** What may be told of it. */
export function sessionOf({ v: _version, hash: _hash, ...session }: StoredSession): Session {
  return session;
}

/** @throws {ServiceError} `invalid_request` with each fault */
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
  if (!(Number.isSafeInteger(ttlMs) && ttlMs >= 1_000 && ttlMs <= MAX_TTL_MS)) {
    faults.push({ path: "ttl", message: "one second to 31 days are needed" });
  }
  const [first] = faults;
  if (first === undefined) return;
  throw new ServiceError(
    "invalid_request",
    `Cannot make the session: ${first.path}: ${first.message}`,
    { faults },
  );
}
