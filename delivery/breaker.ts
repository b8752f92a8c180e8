/**
 * A circuit breaker as a pure state machine. `closed` admits every attempt; `open` admits none
 * until a given time, then one probe whose outcome closes or reopens it. Times are monotonic
 * milliseconds.
 */

import type { Outcome } from "../core/outcome.ts";

/** The state of one breaker. */
export type Breaker =
  | { readonly state: "closed"; readonly failures: number }
  | {
    readonly state: "open";
    readonly until: number;
    /** How often it opened in a row; each time doubles the next wait. */
    readonly times: number;
    readonly probing: boolean;
    readonly reason: string;
  };

/** When a breaker opens and for how long, in milliseconds. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly threshold: number;
  /** The first wait; doubles each time the probe fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** The state before the first attempt. */
export const CLOSED: Breaker = { state: "closed", failures: 0 };

/** Says whether an attempt may start now, and the state once it has started. */
export function enterBreaker(breaker: Breaker, now: number): { pass: boolean; next: Breaker } {
  if (breaker.state === "closed") return { pass: true, next: breaker };
  if (breaker.probing || now < breaker.until) return { pass: false, next: breaker };
  return { pass: true, next: { ...breaker, probing: true } };
}

/** Returns the state after an attempt ended with `outcome`. */
export function breakerAfter(
  breaker: Breaker,
  outcome: Outcome,
  { now, settings }: { readonly now: number; readonly settings: BreakerSettings },
): Breaker {
  if (outcome.kind !== "retry" && outcome.kind !== "misconfigured") return CLOSED;
  const forClient = outcome.kind === "misconfigured" || outcome.scope === "client";
  // A provider that throttles one address is up, so the other addresses may go on.
  if (outcome.kind === "retry" && outcome.scope === "address") return CLOSED;
  const failures = breaker.state === "closed" ? breaker.failures + 1 : settings.threshold;
  if (breaker.state === "closed" && !forClient && failures < settings.threshold) {
    return { state: "closed", failures };
  }
  // Outcomes of attempts that started before the breaker opened do not lengthen the wait.
  if (breaker.state === "open" && !breaker.probing) return breaker;
  const times = breaker.state === "open" ? breaker.times + 1 : 1;
  const backoff = Math.min(settings.maxOpenMs, settings.openMs * 2 ** Math.min(30, times - 1));
  const asked = outcome.kind === "retry" ? outcome.afterMs ?? 0 : 0;
  const until = now + Math.max(backoff, asked);
  return { state: "open", until, times, probing: false, reason: outcome.reason };
}
