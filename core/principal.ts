/** Who is asking, once a credential has been checked. */

/** What a credential allows. `user` is a session: it acts for one user only. */
export const SCOPES = ["publish", "subscribe", "read", "admin"] as const;

export type Scope = typeof SCOPES[number];

/** A caller whose credential was checked. */
export interface Principal {
  /** Stable name of the credential for logs and idempotency; never the secret itself. */
  readonly id: string;
  readonly kind: "key" | "jwt" | "session";
  readonly scopes: ReadonlySet<Scope>;
  /** Contexts that it may act in; absent: all. */
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

/** Whether a principal may use a scope in a context (any context where none is given). */
export function allows(principal: Principal, scope: Scope, context?: string): boolean {
  if (!principal.scopes.has(scope) && !principal.scopes.has("admin")) return false;
  return context === undefined || principal.contexts === undefined ||
    principal.contexts.has(context);
}
