/** How much goes over how many connections to Google. */

/** Connections per client. */
export const GCM_CONNECTIONS = 4;
/** Requests under way on one connection; Google allows 100, the runtime stalls above some 60. */
export const GCM_MAX_IN_FLIGHT = 40;
/** FCM itself closes after four idle minutes. */
export const IDLE_MS = 200_000;
/** Google's own calls behind the answer take up to ten seconds. */
export const TIMEOUT_MS = 15_000;
