/** The principal: the caller of a request, as its credential identifies it. */

/** The scopes that a credential may have. */
export const SCOPES = ["publish", "subscribe", "read", "admin"] as const;

/** One scope of a credential. */
export type Scope = typeof SCOPES[number];

/** An authenticated caller. */
export interface Principal {
  /** Stable name of the credential for logs and idempotency; never the secret. */
  readonly id: string;
  readonly kind: "key" | "jwt" | "session";
  readonly scopes: ReadonlySet<Scope>;
  /** Contexts that it is limited to; absent for all. */
  readonly contexts?: ReadonlySet<string>;
  /** The one user that a session acts for. */
  readonly user?: {
    readonly context: string;
    readonly user: string;
    readonly sessionId: string;
    /** Epoch milliseconds at which the session ends; `Infinity` where it does not end by itself. */
    readonly expiresAt: number;
  };
}

/** Returns the principal of a user's session. */
export function sessionPrincipal(
  kind: "jwt" | "session",
  user: NonNullable<Principal["user"]>,
): Principal {
  return {
    id: `session:${user.sessionId}`,
    kind,
    scopes: new Set<Scope>(["subscribe"]),
    contexts: new Set([user.context]),
    user,
  };
}

/** Whether a principal may use a scope in a context, or in some context where none is given. */
export function allows(principal: Principal, scope: Scope, context?: string): boolean {
  if (!principal.scopes.has(scope) && !principal.scopes.has("admin")) return false;
  return context === undefined || principal.contexts === undefined ||
    principal.contexts.has(context);
}
