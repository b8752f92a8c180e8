/** From what the operator set to the numbers that delivery works with. */

import type { Settings } from "../cascade/mod.ts";
import type { TransportTraits } from "../core/transport.ts";
import type { ProviderQueueSettings } from "./provider_queue.ts";
import type { RetryPolicy } from "./retry_policy.ts";
import type { InvalidationGuardSettings } from "./invalidation_guard.ts";

const HOUR_MS = 3_600_000;

/** The policy for failed attempts. */
export function retryPolicy({ delivery }: Settings): RetryPolicy {
  return {
    baseMs: delivery.retryBaseMs,
    capMs: delivery.retryMaxMs,
    maxAttempts: delivery.maxAttempts,
    maxAgeMs: delivery.maxAgeHours * HOUR_MS,
    misconfiguredMs: 60_000,
  };
}

/** The numbers of a lane whose transport has these traits. */
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

/** Dead answers are gathered for ten seconds; twenty with more than half of them dead are a wave. */
export const INVALIDATION_GUARD: InvalidationGuardSettings = {
  windowMs: 10_000,
  minAnswers: 20,
  maxDeadShare: 0.5,
};
