/** From what one attempt came to, to what is done about it. A pure table. */

import type { Outcome } from "../core/outcome.ts";
import type { TargetState } from "../core/ledger.ts";
import { backoffMs, type RetryPolicy } from "./retry_policy.ts";

/** What is to be done after an attempt. */
export type RetryDecision =
  /** Final. `drop`: the address is dead. `letter`: worth an operator's look. */
  | {
    readonly kind: "final";
    readonly state: TargetState;
    readonly reason?: string;
    readonly providerId?: string;
    readonly newToken?: string;
    readonly drop?: true;
    readonly letter?: true;
  }
  | { readonly kind: "again"; readonly atMs: number; readonly reason: string };

/** What a verdict depends on besides the outcome. */
export interface AttemptFacts {
  /** Attempts that reached the provider, this one included. */
  readonly attempts: number;
  /** Epoch milliseconds. */
  readonly now: number;
  /** Epoch milliseconds from which its age counts. */
  readonly since: number;
  readonly expiresAt?: number | undefined;
  readonly policy: RetryPolicy;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: number;
}

/** Decides what becomes of one target after one attempt. */
export function decideRetry(outcome: Outcome, facts: AttemptFacts): RetryDecision {
  switch (outcome.kind) {
    case "sent": {
      const { providerId, newToken } = outcome;
      return {
        kind: "final",
        state: "sent",
        ...(providerId !== undefined && { providerId }),
        ...(newToken !== undefined && { newToken }),
      };
    }
    case "kept":
    case "offline":
    case "source":
      return { kind: "final", state: outcome.kind };
    case "gone":
      return { kind: "final", state: "gone", reason: outcome.reason, drop: true };
    case "rejected":
      return { kind: "final", state: "rejected", reason: outcome.reason, letter: true };
    case "retry":
      return again(outcome.reason, outcome.afterMs ?? 0, facts);
    case "misconfigured":
      return again(outcome.reason, facts.policy.misconfiguredMs, facts);
  }
}

function again(reason: string, floorMs: number, facts: AttemptFacts): RetryDecision {
  const { attempts, now, since, expiresAt, policy, random } = facts;
  // Never before the floor; the jitter comes on top, or all who waited would return as one.
  const atMs = now + floorMs + backoffMs(attempts, { ...policy, random });
  if (expiresAt !== undefined && atMs >= expiresAt) {
    return { kind: "final", state: "expired", reason };
  }
  if (attempts >= policy.maxAttempts || atMs - since > policy.maxAgeMs) {
    return { kind: "final", state: "dead", reason, letter: true };
  }
  return { kind: "again", atMs, reason };
}
