/** The outcome of one attempt to send a message to one address: a value, never an exception. */

/**
 * The reason of a `rejected` outcome where the browser's subscription uses a VAPID key that is not
 * configured. Only the page can fix it, by subscribing again with the current key.
 */
export const RESUBSCRIBE = "resubscribe";

/** The outcome of one attempt. */
export type Outcome =
  /** The receiver accepted it; that does not prove that it was shown. */
  | {
    readonly kind: "sent";
    /** The provider's id for the message. */
    readonly providerId?: string;
    /** The provider asks to use this token from now on. */
    readonly newToken?: string;
  }
  /** The client disconnected a moment ago and receives it if it reconnects. */
  | { readonly kind: "kept" }
  /** No client is connected; not an error. */
  | { readonly kind: "offline" }
  /** Only the connection that caused it would have received it. */
  | { readonly kind: "source" }
  /** The address is no longer valid: the subscription is removed. */
  | { readonly kind: "gone"; readonly reason: string }
  /** The message cannot be sent (too large, malformed); the address is valid. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** Try again, not before `afterMs` where the provider or its documentation says so. */
  | {
    readonly kind: "retry";
    readonly reason: string;
    /** Milliseconds: the larger of `Retry-After` and the provider's floor. */
    readonly afterMs?: number;
    /**
     * `client`: the wait applies to every address of this client. `address`: the provider works and
     * limits only this one. Absent: unknown; several in a row open the breaker.
     */
    readonly scope?: "address" | "client";
  }
  /**
   * The credential or the app's set-up is wrong: all sends of this client on this transport wait for
   * an operator, and no token is removed.
   */
  | { readonly kind: "misconfigured"; readonly reason: string };
