/** How long to wait before trying again: exponential back-off with full jitter. Pure. */

/** The numbers of a policy, in milliseconds. */
export interface RetryPolicy {
  /** Upper end of the first wait. */
  readonly baseMs: number;
  /** No wait is longer, a provider's own floor apart. */
  readonly capMs: number;
  readonly maxAttempts: number;
  /** Given up when this old, counted from acceptance. */
  readonly maxAgeMs: number;
  /** The least wait where a credential or set-up is wrong and an operator has to act. */
  readonly misconfiguredMs: number;
}

/**
 * A wait between 0 and min(cap, base · 2^(attempts − 1)), evenly spread, so that those who failed
 * together do not come back together.
 */
export function backoffMs(
  attempts: number,
  { baseMs, capMs, random }: Pick<RetryPolicy, "baseMs" | "capMs"> & {
    /** 0 (inclusive) to 1 (exclusive). */
    readonly random: number;
  },
): number {
  const ceiling = Math.min(capMs, baseMs * 2 ** Math.min(30, Math.max(0, attempts - 1)));
  return Math.round(ceiling * random);
}
