/**
 * A token bucket as one number: the time at which it is full again. What is not there yet is time
 * that has to pass, so nothing has to be refilled and a changed rate counts at once.
 */

import type { Clock } from "./clock.ts";
import type { RateLimiter, Take } from "./rate_limiter.ts";

/** What taking from a bucket came to. */
export type BucketTake =
  | { readonly kind: "taken"; readonly fullAt: number }
  /** Milliseconds until there is enough, if nobody else takes it. */
  | { readonly kind: "refused"; readonly waitMs: number };

/** The burst: a second's worth. */
const CAPACITY_MS = 1_000;
/** Sums of fractions of milliseconds are a little off. */
const TOLERANCE_MS = 0.001;

/** Takes from a bucket that is full at `fullAt`, in milliseconds of the same clock as `now`. */
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

/** Settings of {@link createLocalLimiter}. */
export interface LocalLimiterOptions {
  readonly clock: Pick<Clock, "monotonic">;
  /**
   * Buckets that are remembered. Beyond it the one that was not used for longest is forgotten, and
   * is full when it is asked for again.
   *
   * @default {10_000}
   */
  readonly maxBuckets?: number;
}

/** A limiter for one node. Its answers are not promises. */
export function createLocalLimiter(
  { clock, maxBuckets = 10_000 }: LocalLimiterOptions,
): RateLimiter {
  /** When they are full again, by name, in the order of use. */
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
