/** From the credential of a request to what it allows. */

import type { Context, MiddlewareHandler } from "hono";
import { ServiceError } from "../core/errors.ts";
import { allows, type Principal, type Scope } from "../core/principal.ts";
import type { Env } from "./_openapi.ts";

/** Checks a credential; throws `unauthenticated` where it is missing or not valid. */
export type Authenticate = (credential: string | undefined) => Principal | Promise<Principal>;

/**
 * Middleware: the caller needs this scope (in at least one context; see {@link inContext}).
 *
 * @throws {ServiceError} `unauthenticated`, `forbidden`
 */
export function needs(authenticate: Authenticate, scope: Scope): MiddlewareHandler<Env> {
  return async function authorize(c, next) {
    const principal = await authenticate(credentialOf(c));
    if (!allows(principal, scope)) throw forbidden(scope);
    c.set("principal", principal);
    await next();
  };
}

/** @throws {ServiceError} `forbidden` where the caller may not act in this context. */
export function inContext(principal: Principal, scope: Scope, context: string): void {
  if (!allows(principal, scope, context)) throw forbidden(scope, context);
}

/** A bearer token, or the original's `session` parameter. */
function credentialOf(c: Context): string | undefined {
  const header = c.req.header("authorization");
  if (header === undefined) return c.req.query("session");
  return /^Bearer +(\S+)$/i.exec(header)?.[1] ?? "";
}

function forbidden(scope: Scope, context?: string): ServiceError {
  const where = context === undefined ? "" : ` in context ${context}`;
  return new ServiceError("forbidden", `Cannot do this: scope '${scope}'${where} is needed`);
}
