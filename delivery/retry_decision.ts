/** Decides what happens after an attempt, from its outcome. A pure table. */

import type { Outcome } from "../core/outcome.ts";
import type { TargetState } from "../core/ledger.ts";
import { backoffMs, type RetryPolicy } from "./retry_policy.ts";

/** What happens after an attempt. */
export type RetryDecision =
  /** `removeToken`: the address is dead. `deadLetter`: keep it for an operator. */
  | {
    readonly kind: "final";
    readonly state: TargetState;
    readonly reason?: string;
    readonly providerId?: string;
    readonly newToken?: string;
    readonly removeToken?: true;
    readonly deadLetter?: true;
  }
  | { readonly kind: "retry"; readonly atMs: number; readonly reason: string };

/** What a decision depends on besides the outcome. */
export interface AttemptFacts {
  /** Attempts that reached the provider, including this one. */
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Epoch milliseconds from which the age counts. */
  readonly since: number;
  readonly expiresAt?: number | undefined;
  readonly policy: RetryPolicy;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: number;
}

/** Decides what happens to one target after one attempt. */
export function decideRetry(outcome: Outcome, facts: AttemptFacts): RetryDecision {
  switch (outcome.kind) {
    case "sent": {
      const { kind: state, ...receipt } = outcome;
      return { kind: "final", state, ...receipt };
    }
    case "kept":
    case "offline":
    case "source":
      return { kind: "final", state: outcome.kind };
    case "gone":
      return { kind: "final", state: "gone", reason: outcome.reason, removeToken: true };
    case "rejected":
      return { kind: "final", state: "rejected", reason: outcome.reason, deadLetter: true };
    case "retry":
      return retryLater(outcome.reason, outcome.afterMs ?? 0, facts);
    case "misconfigured":
      return retryLater(outcome.reason, facts.policy.misconfiguredMs, facts);
  }
}

function retryLater(reason: string, floorMs: number, facts: AttemptFacts): RetryDecision {
  const { attempts, now, since, expiresAt, policy, random } = facts;
  // Never before the floor; jitter on top of it spreads those that failed together.
  const atMs = now + floorMs + backoffMs(attempts, { ...policy, random });
  if (expiresAt !== undefined && atMs >= expiresAt) {
    return { kind: "final", state: "expired", reason };
  }
  if (attempts >= policy.maxAttempts || atMs - since > policy.maxAgeMs) {
    return { kind: "final", state: "dead", reason, deadLetter: true };
  }
  return { kind: "retry", atMs, reason };
}
