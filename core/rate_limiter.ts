/** The port for rate limits: a token bucket per name, whose burst is one second's worth. */

/** An amount and the rate of its bucket. */
export interface Take {
  readonly count: number;
  /** Above 0. */
  readonly perSecond: number;
}

/** Limits rates by name. A limiter of several nodes counts for all of them together. */
export interface RateLimiter {
  /**
   * Takes `count` from the bucket `name`, all or nothing. Returns 0, or the milliseconds after which
   * to try again. A count above `perSecond` is taken from a full bucket, which then is in debt.
   * Never rejects: it allows everything while the limit cannot be checked.
   */
  take(name: string, request: Take): number | Promise<number>;
  /** Returns what was taken but not used. */
  refund(name: string, request: Take): void;
}
