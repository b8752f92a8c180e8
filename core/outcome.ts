/** What became of one attempt to hand one message to one address. A value, never an exception. */

/**
 * The reason of a `rejected` outcome where the browser's subscription is bound to a VAPID key that
 * is not configured. Only the page can mend that, by subscribing again with the current key.
 */
export const RESUBSCRIBE = "resubscribe";

export type Outcome =
  /** Accepted by the far side, which is never proof that it was shown. */
  | {
    readonly kind: "sent";
    /** The far side's id for the message. */
    readonly providerId?: string;
    /** The far side asks to use this token from now on. */
    readonly newToken?: string;
  }
  /** Nobody is connected at this moment, and somebody was just now: they get it if they return. */
  | { readonly kind: "kept" }
  /** Nobody is connected right now; not an error. */
  | { readonly kind: "offline" }
  /** Every connection that would have received it is the one that caused it. */
  | { readonly kind: "source" }
  /** The address is dead: the subscription is dropped and never tried again. */
  | { readonly kind: "gone"; readonly reason: string }
  /** This message can never go (too large, malformed); the address is fine. */
  | { readonly kind: "rejected"; readonly reason: string }
  /** Try again, but not before `afterMs` where the far side or its documentation says so. */
  | {
    readonly kind: "retry";
    readonly reason: string;
    /** Milliseconds: the larger of `Retry-After` and the provider's floor. */
    readonly afterMs?: number;
    /**
     * `client`: the wait holds for every address of this client; `address`: the far side works
     * and holds back this one only; absent: unknown, so that many in a row count against it.
     */
    readonly scope?: "address" | "client";
  }
  /**
   * Credential or app set-up is wrong: everything of this client on this transport waits until
   * an operator acts, and no token is touched.
   */
  | { readonly kind: "misconfigured"; readonly reason: string };
