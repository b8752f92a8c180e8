/**
 * Reads the credential of a request from the `Authorization` header. The query may carry a user's
 * session only, and only on the original's paths, because proxies log queries.
 */

import { type Authenticate, bearer, isApiKeyShaped } from "../auth/mod.ts";
import { clientHeadersOf } from "../core/client_headers.ts";
import { ServiceError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";

const HINT = "send it in the header 'Authorization: Bearer …'";

/**
 * Authenticates the bearer credential of a request.
 *
 * @throws {ServiceError} `unauthenticated`, also where the query carries a credential; or the promise
 * rejects with it
 */
export function authenticateHeader(
  authenticate: Authenticate,
  request: Request,
): Principal | Promise<Principal> {
  refuseInQuery(request.url);
  return authenticate(bearer(request.headers.get("authorization")));
}

/**
 * Authenticates the session in the query of a request, or its bearer credential where there is none.
 *
 * @throws {ServiceError} `unauthenticated`, also where the query carries any other credential
 */
export async function authenticateSession(
  authenticate: Authenticate,
  request: Request,
): Promise<Principal> {
  const [inQuery, ...others] = sessionsIn(request.url);
  if (inQuery === undefined) return await authenticateHeader(authenticate, request);
  if ([inQuery, ...others].some(isApiKeyShaped)) throw notInQuery("an API key");
  const client = clientHeadersOf((name) => request.headers.get(name));
  const principal = await authenticate(inQuery, client);
  if (principal.user === undefined) throw notInQuery("an API key or a publisher's token");
  return principal;
}

/**
 * Refuses a credential in the query.
 *
 * @throws {ServiceError} `unauthenticated`
 */
export function refuseInQuery(url: string): void {
  const [credential] = sessionsIn(url);
  if (credential === undefined) return;
  throw notInQuery(isApiKeyShaped(credential) ? "an API key" : "a credential");
}

function notInQuery(what: string): ServiceError {
  return new ServiceError("unauthenticated", `Cannot accept ${what} in the query: ${HINT}`);
}

/** Returns the values of the parameter `session` that are not empty. */
function sessionsIn(url: string): readonly string[] {
  const at = url.indexOf("?");
  if (at < 0) return [];
  return new URLSearchParams(url.slice(at)).getAll("session").filter((each) => each !== "");
}
