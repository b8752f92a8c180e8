/** Limits by name: so many a second, with a second's worth at once. */

/** How much of a bucket is meant. */
export interface Take {
  readonly count: number;
  /** Above 0. */
  readonly perSecond: number;
}

/** The port. A limiter over several nodes counts for all of them together. */
export interface RateLimiter {
  /**
   * Takes `count` from the bucket `name`, all or nothing. Resolves to 0, or to the milliseconds
   * after which it is worth another try. A count above `perSecond` is taken from a full bucket,
   * which is then in debt. Never rejects: where the limit cannot be asked, it lets through.
   */
  take(name: string, request: Take): number | Promise<number>;
  /** Gives back what was taken and came to nothing. */
  refund(name: string, request: Take): void;
}
