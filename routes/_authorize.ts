/** From the credential of a request to what it allows. */

import type { MiddlewareHandler } from "hono";
import type { Authenticate } from "../auth/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { allows, type Principal, type Scope } from "../core/principal.ts";
import { authenticateHeader, authenticateSession } from "./_credential.ts";
import type { Env } from "./_openapi.ts";

export type { Authenticate };

/**
 * Middleware: the caller needs one of these scopes, in at least one context (see
 * {@link inContext}).
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
 * Middleware: the caller needs this scope, and may name a user's session in the query, as the
 * original's clients do.
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

/** Whose subscriptions a request is about. */
interface OwnerFields {
  readonly context: string;
  readonly user: string;
}

/**
 * The user that a request acts for: a session's own, or the one that it names.
 *
 * @throws {ServiceError} `invalid_request` where nobody is named, `forbidden` where it is not the
 * caller's to act for.
 */
export function actingFor(
  principal: Principal,
  named: { readonly context?: string | undefined; readonly user?: string | undefined },
): OwnerFields {
  const { user: own } = principal;
  const context = named.context ?? own?.context;
  const user = named.user ?? own?.user;
  if (context === undefined || user === undefined) {
    throw new ServiceError(
      "invalid_request",
      "Cannot tell whom this is for: name context and user",
    );
  }
  if (own ? own.context !== context || own.user !== user : !allowsContext(principal, context)) {
    throw new ServiceError("forbidden", "Cannot act for this user with this credential");
  }
  return { context, user };
}

/** @throws {ServiceError} `forbidden` where the caller may not act in this context. */
export function inContext(
  principal: Principal,
  { scope, context }: { readonly scope: Scope; readonly context: string },
): void {
  if (!allows(principal, scope, context)) throw forbidden(scope, context);
}

/** Middleware after {@link needs}: the caller may act in all contexts, not in some. */
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

/** The error for a caller that lacks a scope. */
export function forbidden(scope: string, context?: string): ServiceError {
  const where = context === undefined ? "" : ` in context ${context}`;
  return new ServiceError("forbidden", `Cannot do this: scope '${scope}'${where} is needed`);
}
