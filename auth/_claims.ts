/** Derives a principal from the claims of a verified JWT. */

import type { JWTPayload } from "jose";
import { ServiceError } from "../core/errors.ts";
import { type Principal, type Scope, SCOPES, sessionPrincipal } from "../core/principal.ts";
import { hashSecret } from "./_secrets.ts";

const MAX_NAME_LENGTH = 255;
const MAX_CONTEXTS = 100;

/** Returns the id by which a JWT is revoked: a hash of its `jti`, or of the token without one. */
export function jwtSessionId(jtiOrToken: string): string {
  return `jwt_${hashSecret(jtiOrToken)}`;
}

/**
 * Returns the principal of a token and the id by which it is revoked. With a `scope` the principal is
 * a publisher or operator, limited to `contexts` or else `ctx` where given. Without a `scope` it is
 * the user `sub` of the context `ctx`.
 *
 * @throws {ServiceError} `unauthenticated` where a claim is missing or malformed
 */
export function principalOf(
  payload: JWTPayload,
  token: string,
): { readonly principal: Principal; readonly sessionId: string } {
  const subject = nameOf(payload.sub, "sub");
  const sessionId = jwtSessionId(typeof payload.jti === "string" ? payload.jti : token);
  const context = payload.ctx === undefined ? undefined : nameOf(payload.ctx, "ctx");
  if (payload.scope !== undefined) {
    const contexts = contextsOf(payload.contexts) ??
      (context === undefined ? undefined : [context]);
    const principal: Principal = {
      id: `jwt:${subject}`,
      kind: "jwt",
      scopes: scopesOf(payload.scope),
      ...(contexts === undefined ? {} : { contexts: new Set(contexts) }),
    };
    return { principal, sessionId };
  }
  if (context === undefined) throw wrong("ctx");
  const expiresAt = payload.exp! * 1000;
  const principal = sessionPrincipal("jwt", { context, user: subject, sessionId, expiresAt });
  return { principal, sessionId };
}

/** Ignores scopes that this service does not know: they are for other services. */
function scopesOf(claim: unknown): ReadonlySet<Scope> {
  if (typeof claim !== "string") throw wrong("scope");
  const named = new Set(claim.split(" "));
  return new Set(SCOPES.filter((scope) => named.has(scope)));
}

function contextsOf(claim: unknown): readonly string[] | undefined {
  if (claim === undefined) return undefined;
  if (!Array.isArray(claim) || claim.length > MAX_CONTEXTS) throw wrong("contexts");
  return claim.map((context) => nameOf(context, "contexts"));
}

function nameOf(claim: unknown, path: string): string {
  const name = Number.isSafeInteger(claim) ? String(claim) : claim;
  if (
    typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH ||
    /\p{Cc}/u.test(name)
  ) {
    throw wrong(path);
  }
  return name;
}

function wrong(claim: string): ServiceError {
  return new ServiceError(
    "unauthenticated",
    `Cannot accept the token: its claim '${claim}' is missing or malformed`,
  );
}
