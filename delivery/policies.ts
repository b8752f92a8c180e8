/** Derives the numbers that delivery works with from the operator's settings. */

import type { Settings } from "../cascade/mod.ts";
import type { TransportTraits } from "../core/transport.ts";
import type { ProviderQueueSettings } from "./provider_queue.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import type { InvalidationGuardSettings } from "./invalidation_guard.ts";

const HOUR_MS = 3_600_000;

/** Returns a function that calls `derive` again only where the settings are others, after a reload. */
export function derived<T>(settings: () => Settings, derive: (settings: Settings) => T): () => T {
  let from = settings();
  let value = derive(from);
  return () => {
    const now = settings();
    if (now !== from) value = derive(from = now);
    return value;
  };
}

/** Returns the policy for failed attempts. */
export function retryPolicy({ delivery }: Settings): RetryPolicy {
  return {
    baseMs: delivery.retryBaseMs,
    capMs: delivery.retryMaxMs,
    maxAttempts: delivery.maxAttempts,
    maxAgeMs: delivery.maxAgeHours * HOUR_MS,
    misconfiguredMs: 60_000,
  };
}

/** Returns the settings of a provider queue whose transport has these traits. */
export function providerQueueSettings(
  { delivery }: Settings,
  traits: TransportTraits,
): ProviderQueueSettings {
  return {
    maxConcurrent: traits.maxConcurrent,
    maxPerSecond: delivery.maxPerSecond,
    maxQueued: 50_000,
    timeoutMs: delivery.attemptTimeoutMs,
    breaker: { threshold: 5, openMs: 1_000, maxOpenMs: 60_000 },
  };
}

/** A window is ten seconds; more than half of at least twenty answers dead are a spike. */
export const INVALIDATION_GUARD: InvalidationGuardSettings = {
  windowMs: 10_000,
  minAnswers: 20,
  maxDeadShare: 0.5,
};
