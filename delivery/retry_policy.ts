/** Computes the wait before a retry: exponential backoff with full jitter. Pure. */

/** The limits of retries, in milliseconds. */
export interface RetryPolicy {
  /** Upper end of the first wait. */
  readonly baseMs: number;
  /** Longest backoff; the provider's own floor comes on top. */
  readonly capMs: number;
  readonly maxAttempts: number;
  /** A message older than this, counted from acceptance, is given up. */
  readonly maxAgeMs: number;
  /** The shortest wait where a credential or set-up is wrong and an operator has to act. */
  readonly misconfiguredMs: number;
}

/**
 * Returns a wait between 0 and min(cap, base · 2^(attempts − 1)), evenly distributed, so that
 * messages that failed together are not retried together.
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
