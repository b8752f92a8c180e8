/**
 * A token bucket stored as one number: the time at which it is full again. Missing tokens are time
 * that must pass, so nothing is refilled and a changed rate takes effect at once.
 */

import type { Clock } from "./clock.ts";
import type { RateLimiter, Take } from "./rate_limiter.ts";

/** The result of {@link takeFrom}. */
type BucketTake =
  | { readonly kind: "taken"; readonly fullAt: number }
  /** Milliseconds until there is enough, if nobody else takes any. */
  | { readonly kind: "refused"; readonly waitMs: number };

/** The burst: a second's worth. */
const CAPACITY_MS = 1_000;
/** Absorbs rounding errors in sums of fractions of milliseconds. */
const TOLERANCE_MS = 0.001;

/** Takes from a bucket that is full at `fullAt`; both times are milliseconds of one clock. */
export function takeFrom(
  fullAt: number,
  { now, count, perSecond }: Take & { readonly now: number },
): BucketTake {
  const missingMs = Math.max(0, fullAt - now);
  const neededMs = Math.min(count, perSecond) * 1000 / perSecond;
  const waitMs = missingMs + neededMs - CAPACITY_MS;
  if (waitMs > TOLERANCE_MS) return { kind: "refused", waitMs };
  return { kind: "taken", fullAt: now + missingMs + count * 1000 / perSecond };
}

interface LocalLimiterOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /**
   * The most buckets in memory. Beyond it the least recently used one is dropped, and is full when it
   * is used again.
   *
   * @default {10_000}
   */
  readonly maxBuckets?: number;
}

/** Creates a limiter for one node. It returns numbers, not promises. */
export function createLocalLimiter(
  { clock, maxBuckets = 10_000 }: LocalLimiterOptions,
): RateLimiter {
  /** Name → the time at which the bucket is full, in the order of use. */
  const buckets = new Map<string, number>();

  function keep(name: string, fullAt: number, now: number): void {
    buckets.delete(name);
    buckets.set(name, fullAt);
    for (const [oldest, itsFullAt] of buckets) {
      if (itsFullAt > now && buckets.size <= maxBuckets) return;
      buckets.delete(oldest);
    }
  }

  return {
    take(name, request) {
      const now = clock.monotonic();
      const taken = takeFrom(buckets.get(name) ?? now, { ...request, now });
      if (taken.kind === "refused") return taken.waitMs;
      keep(name, taken.fullAt, now);
      return 0;
    },
    refund(name, { count, perSecond }) {
      const fullAt = buckets.get(name);
      if (fullAt !== undefined) buckets.set(name, fullAt - count * 1000 / perSecond);
    },
  };
}
