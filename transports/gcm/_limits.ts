/** Sizes and times that both of Google's formats share. */

/** To whom and when a message is rendered. */
export interface AddressedMessage {
  readonly token: string;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Bytes of the largest message. */
export const GCM_MAX_BYTES = 4096;

/** Four weeks, the longest that Google keeps a message. */
export const TTL_MAX_SECONDS = 2_419_200;

/**
 * Google counts keys and values but not the token. Staying below with the token counted costs
 * nothing for real ones, which have some 160 characters; a long one must not eat the message up.
 */
export function maxBytes(token: string): number {
  return Math.max(GCM_MAX_BYTES, token.length + GCM_MAX_BYTES / 2);
}

/** Seconds until a message expires, rounded up; `undefined` where it never does. */
export function ttlSeconds(expiresAt: number | undefined, nowMs: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  return Math.max(0, Math.ceil((expiresAt - nowMs) / 1000));
}

/** Connections per client. */
export const GCM_CONNECTIONS = 4;
/** Requests under way on one connection; Google allows 100, the runtime stalls above some 60. */
export const GCM_MAX_IN_FLIGHT = 40;
/** FCM itself closes after four idle minutes. */
export const IDLE_MS = 200_000;
/** Google's own calls behind the answer take up to ten seconds. */
export const TIMEOUT_MS = 15_000;
