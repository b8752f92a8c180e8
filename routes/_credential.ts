/**
 * Where a request carries its credential. That is the `Authorization` header; the query carries a
 * user's session only, and only on the original's paths, because proxies write queries to logs.
 */

import { type Authenticate, bearer, isApiKeyShaped } from "../auth/mod.ts";
import { clientHeadersOf } from "../core/client_headers.ts";
import { ServiceError } from "../core/errors.ts";
import type { Principal } from "../core/principal.ts";

/** Where the credential belongs, for the message of a refusal. */
const WHERE = "send it in the header 'Authorization: Bearer …'";

/**
 * Checks the bearer credential of a request.
 *
 * @throws {ServiceError} `unauthenticated`, also where the query carries a credential; as a
 * rejection where it returns a promise.
 */
export function authenticateHeader(
  authenticate: Authenticate,
  request: Request,
): Principal | Promise<Principal> {
  refuseInQuery(request.url);
  return authenticate(bearer(request.headers.get("authorization")));
}

/**
 * Checks the session in the query of a request, or its bearer credential where the query has none.
 *
 * @throws {ServiceError} `unauthenticated`, also where the query carries anything but a user's
 * session.
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

/** @throws {ServiceError} `unauthenticated` where the query carries a credential. */
export function refuseInQuery(url: string): void {
  const [credential] = sessionsIn(url);
  if (credential === undefined) return;
  throw notInQuery(isApiKeyShaped(credential) ? "an API key" : "a credential");
}

function notInQuery(what: string): ServiceError {
  return new ServiceError("unauthenticated", `Cannot accept ${what} in the query: ${WHERE}`);
}

/** The values of the parameter `session` that are not empty. */
function sessionsIn(url: string): readonly string[] {
  const at = url.indexOf("?");
  if (at < 0) return [];
  return new URLSearchParams(url.slice(at)).getAll("session").filter((each) => each !== "");
}
