/**
 * Applies the effects of a final decision beyond the ledger: removes dead tokens, stores replaced
 * ones, adds dead letters and sends feedback to the publisher.
 */

import type { JsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import { messageOf } from "../core/errors.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { Feedback } from "./feedback.ts";
import type { RetryDecision } from "./retry_decision.ts";
import type { InvalidationGuard } from "./invalidation_guard.ts";

/** The changes that outcomes make to subscriptions. */
export interface TokenUpdates {
  /** Removes the subscription if it still has this token; false otherwise. */
  remove(target: Target): Promise<boolean>;
  /** Stores the token that the provider wants used from now on. */
  replaceToken(target: Target, newToken: string): Promise<boolean>;
}

interface OutcomeEffectsOptions {
  readonly tokens: TokenUpdates;
  readonly deadLetters: DeadLetters;
  readonly feedback: Feedback;
  readonly guard: InvalidationGuard;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** The attempt that a decision belongs to. */
interface TargetAttempt {
  readonly notification: Notification;
  readonly target: Target;
  readonly attempts: number;
}

/** Applies the effects of a decision; the promise, if any, resolves when they are durable. */
export type OutcomeEffects = (
  decision: RetryDecision,
  attempt: TargetAttempt,
) => Promise<void> | undefined;

/** Creates the function that applies effects. */
export function createOutcomeEffects(options: OutcomeEffectsOptions): OutcomeEffects {
  const { tokens, deadLetters, feedback, guard, metrics, log } = options;

  async function removeToken(target: Target, reason: string) {
    try {
      if (!await tokens.remove(target)) return;
      log.info("a dead token was removed", { ...subscriptionFields(target), reason });
      await feedback.enqueue("subscription.gone", { ...subscriptionFields(target), reason });
    } catch (thrown) {
      // The provider will answer the next message the same way, which removes it then.
      log.warn("a dead token could not be removed", { reason: messageOf(thrown) });
    }
  }

  async function applyEffects(
    { newToken, deadLetter, reason = "" }: Extract<RetryDecision, { kind: "final" }>,
    { notification, target, attempts }: TargetAttempt,
  ): Promise<void> {
    if (newToken !== undefined && await tokens.replaceToken(target, newToken)) {
      await feedback.enqueue("subscription.updated", {
        ...subscriptionFields(target),
        token: newToken,
      });
    }
    if (!deadLetter) return;
    const { transport, client } = target;
    await deadLetters.add({ notification, target, reason, attempts });
    metrics.count("carillon_dead_letters_total", { transport, client });
    const { id, topic } = notification;
    await feedback.enqueue("message.dead", {
      ...subscriptionFields(target),
      notification: id,
      topic,
      reason,
    });
  }

  return (decision, attempt) => {
    if (decision.kind !== "final") return undefined;
    const reason = decision.reason ?? "";
    const remove = decision.removeToken && (() => removeToken(attempt.target, reason));
    guard.record(attempt.target, remove || undefined);
    const isPlain = decision.newToken === undefined && !decision.deadLetter;
    return isPlain ? undefined : applyEffects(decision, attempt);
  };
}

function subscriptionFields(target: Target): JsonObject {
  const { context, user, client, transport, subscriptionId } = target;
  return { context, user, client, transport, subscription: subscriptionId ?? null };
}
