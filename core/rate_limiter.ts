/** Limits by name: so many a second, with a second's worth at once. */

/** The port. A limiter over several nodes counts for all of them together. */
export interface RateLimiter {
  /**
   * Takes `count` from the bucket `name`, all or nothing. Resolves to 0, or to the milliseconds
   * after which it is worth another try. A count above `perSecond` is taken from a full bucket,
   * which is then in debt. Never rejects: where the limit cannot be asked, it lets through.
   */
  take(
    name: string,
    request: { readonly count: number; readonly perSecond: number },
  ): number | Promise<number>;
}
