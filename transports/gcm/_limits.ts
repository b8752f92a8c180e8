/** Limits that both of Google's formats share: sizes, times and connections. */

/** The address and time that a message is rendered for. */
export interface AddressedMessage {
  readonly token: string;
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

/** Bytes of the largest message. */
export const GCM_MAX_BYTES = 4096;

/** Four weeks, the longest that Google keeps a message. */
const MAX_TTL_SECONDS = 2_419_200;

/**
 * Returns the size limit of a rendered message. Google counts keys and values but not the token.
 * Counting it anyway is harmless for real tokens of some 160 characters; the limit rises for a long
 * one, which would leave no room for the message.
 */
export function gcmMaxBytes(token: string): number {
  return Math.max(GCM_MAX_BYTES, token.length + GCM_MAX_BYTES / 2);
}

/** Returns the seconds to keep a message, rounded up; `undefined` where it never expires. */
export function ttlSeconds(expiresAt: number | undefined, nowMs: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  return Math.min(Math.max(0, Math.ceil((expiresAt - nowMs) / 1000)), MAX_TTL_SECONDS);
}

/** Connections per client. */
export const GCM_CONNECTIONS = 4;
/** Requests in flight on one connection; Google allows 100, the runtime stalls above some 60. */
export const GCM_MAX_IN_FLIGHT = 40;
/** FCM itself closes after four idle minutes. */
export const GCM_IDLE_MS = 200_000;
/** Google's own calls behind the answer take up to ten seconds. */
export const GCM_TIMEOUT_MS = 15_000;
