/**
 * A circuit breaker as a pure state machine: `closed` lets everything through, `open` nothing
 * until a time, and then one probe decides. Times are monotonic milliseconds.
 */

import type { Outcome } from "../core/outcome.ts";

/** State of a breaker. */
export type Breaker =
  | { readonly state: "closed"; readonly failures: number }
  | {
    readonly state: "open";
    readonly until: number;
    /** How often in a row it was opened; stretches the next wait. */
    readonly times: number;
    readonly probing: boolean;
    readonly reason: string;
  };

/** The numbers of a breaker. */
export interface BreakerSettings {
  /** Failures in a row that open it. */
  readonly threshold: number;
  /** The first wait; doubled each time the probe fails. */
  readonly openMs: number;
  readonly maxOpenMs: number;
}

/** A breaker at the start. */
export const CLOSED: Breaker = { state: "closed", failures: 0 };

/** Whether an attempt may be made now, and the state after it began. */
export function enter(breaker: Breaker, now: number): { pass: boolean; next: Breaker } {
  if (breaker.state === "closed") return { pass: true, next: breaker };
  if (breaker.probing || now < breaker.until) return { pass: false, next: breaker };
  return { pass: true, next: { ...breaker, probing: true } };
}

/** The state after an attempt came to `outcome`. */
export function after(
  breaker: Breaker,
  outcome: Outcome,
  { now, settings }: { readonly now: number; readonly settings: BreakerSettings },
): Breaker {
  if (outcome.kind !== "retry" && outcome.kind !== "misconfigured") return CLOSED;
  const forClient = outcome.kind === "misconfigured" || outcome.scope === "client";
  // A provider that holds back one address says nothing of the others, and shows that it works.
  if (outcome.kind === "retry" && outcome.scope === "address") return CLOSED;
  const failures = breaker.state === "closed" ? breaker.failures + 1 : settings.threshold;
  if (breaker.state === "closed" && !forClient && failures < settings.threshold) {
    return { state: "closed", failures };
  }
  // Answers to what was sent before it opened do not stretch it further.
  if (breaker.state === "open" && !breaker.probing) return breaker;
  const times = breaker.state === "open" ? breaker.times + 1 : 1;
  const backoff = Math.min(settings.maxOpenMs, settings.openMs * 2 ** Math.min(30, times - 1));
  const asked = outcome.kind === "retry" ? outcome.afterMs ?? 0 : 0;
  const until = now + Math.max(backoff, asked);
  return { state: "open", until, times, probing: false, reason: outcome.reason };
}
