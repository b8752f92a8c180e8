/** Middleware that authorizes requests: checks the scopes and contexts of the principal. */

import type { MiddlewareHandler } from "hono";
import type { Authenticate } from "../auth/mod.ts";
import { ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import { allows, type Principal, type Scope } from "../core/principal.ts";
import { authenticateHeader, authenticateSession } from "./_credential.ts";
import type { Env } from "./_openapi.ts";

export type { Authenticate };

/**
 * Returns middleware that requires one of these scopes in at least one context; {@link inContext}
 * checks the context.
 *
 * @throws {ServiceError} `unauthenticated`, `forbidden`
 */
export function needs(
  authenticate: Authenticate,
  ...scopes: readonly Scope[]
): MiddlewareHandler<Env> {
  return async function authorize(c, next) {
    const principal = await authenticateHeader(authenticate, c.req.raw);
    if (!scopes.some((scope) => allows(principal, scope))) throw forbidden(scopes.join("' or '"));
    c.set("principal", principal);
    await next();
  };
}

/**
 * Returns middleware that requires this scope and accepts a user's session in the query, as the
 * original's clients send it.
 *
 * @throws {ServiceError} `unauthenticated`, `forbidden`
 */
export function needsSession(authenticate: Authenticate, scope: Scope): MiddlewareHandler<Env> {
  return async function authorizeSession(c, next) {
    const principal = await authenticateSession(authenticate, c.req.raw);
    if (!allows(principal, scope)) throw forbidden(scope);
    c.set("principal", principal);
    await next();
  };
}

/**
 * Returns the user that a request acts for: that of the session, or the one that the request names.
 *
 * @throws {ServiceError} `invalid_request` where no user is named, `forbidden` where the caller may
 * not act for this user
 */
export function actingFor(
  principal: Principal,
  named: { readonly context?: string | undefined; readonly user?: string | undefined },
): UserName {
  const { user: own } = principal;
  const context = named.context ?? own?.context;
  const user = named.user ?? own?.user;
  if (context === undefined || user === undefined) {
    throw new ServiceError(
      "invalid_request",
      "Cannot determine the user: name context and user",
    );
  }
  if (own ? own.context !== context || own.user !== user : !allowsContext(principal, context)) {
    throw new ServiceError("forbidden", "Cannot act for this user with this credential");
  }
  return { context, user };
}

/**
 * Checks that the caller has a scope in a context.
 *
 * @throws {ServiceError} `forbidden`
 */
export function inContext(
  principal: Principal,
  { scope, context }: { readonly scope: Scope; readonly context: string },
): void {
  if (!allows(principal, scope, context)) throw forbidden(scope, context);
}

/** Returns middleware, to run after {@link needs}, that refuses callers limited to some contexts. */
export function inAllContexts(): MiddlewareHandler<Env> {
  return async function authorizeEverywhere(c, next) {
    if (c.var.principal.contexts !== undefined) {
      throw new ServiceError("forbidden", "Cannot do this with a credential for some contexts");
    }
    await next();
  };
}

function allowsContext({ contexts }: Principal, context: string): boolean {
  return contexts === undefined || contexts.has(context);
}

/** Creates the error for a caller that lacks a scope. */
export function forbidden(scope: string, context?: string): ServiceError {
  const where = context === undefined ? "" : ` in context ${context}`;
  return new ServiceError("forbidden", `Cannot do this: scope '${scope}'${where} is needed`);
}
