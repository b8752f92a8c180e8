/**
 * What follows from a final verdict beyond the ledger: dead tokens go, replaced ones are stored,
 * what was given up becomes a dead letter, and the publisher is told.
 */

import type { JsonObject } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import { messageOf } from "../core/errors.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import type { DeadLetters } from "./dead_letters.ts";
import type { Feedback } from "./feedback.ts";
import { providerQueueName } from "./provider_queues.ts";
import type { RetryDecision } from "./retry_decision.ts";
import type { InvalidationGuard } from "./invalidation_guard.ts";

/** The part of the subscriptions that consequences change. */
export interface TokenKeeper {
  /** Removes the subscription if its token is still the same; false where it was not. */
  remove(target: Target): Promise<boolean>;
  /** Stores the token that the provider wants used from now on. */
  replaceToken(target: Target, newToken: string): Promise<boolean>;
}

/** What consequences need. */
interface OutcomeEffectsOptions {
  readonly tokens: TokenKeeper;
  readonly letters: DeadLetters;
  readonly feedback: Feedback;
  readonly guard: InvalidationGuard;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** What an attempt was about. */
interface Attempted {
  readonly notification: Notification;
  readonly target: Target;
  readonly attempts: number;
}

/** Carries out what a verdict brings with it; resolves when what must be durable is, if anything. */
export type OutcomeEffects = (
  verdict: RetryDecision,
  about: Attempted,
) => Promise<void> | undefined;

/** See the file's comment. */
export function createOutcomeEffects(options: OutcomeEffectsOptions): OutcomeEffects {
  const { tokens, letters, feedback, guard, metrics, log } = options;

  async function removeToken(target: Target, reason: string) {
    try {
      if (!await tokens.remove(target)) return;
      log.info("a dead token was removed", { ...namesOf(target), reason });
      await feedback.enqueue("subscription.gone", { ...namesOf(target), reason });
    } catch (thrown) {
      // The next message to it will be answered the same, and removes it then.
      log.warn("a dead token could not be removed", { reason: messageOf(thrown) });
    }
  }

  async function carryOut(
    { newToken, letter, reason = "" }: Extract<RetryDecision, { kind: "final" }>,
    { notification, target, attempts }: Attempted,
  ): Promise<void> {
    if (newToken !== undefined && await tokens.replaceToken(target, newToken)) {
      await feedback.enqueue("subscription.updated", { ...namesOf(target), token: newToken });
    }
    if (!letter) return;
    const { transport, client } = target;
    await letters.add({ notification, target, reason, attempts });
    metrics.count("carillon_dead_letters_total", { transport, client });
    const { id, topic } = notification;
    await feedback.enqueue("message.dead", { ...namesOf(target), notification: id, topic, reason });
  }

  return (verdict, about) => {
    if (verdict.kind !== "final") return undefined;
    const { transport, client } = about.target;
    const reason = verdict.reason ?? "";
    const remove = verdict.drop && (() => removeToken(about.target, reason));
    guard.answered(providerQueueName(transport, client), remove || undefined);
    const isPlain = verdict.newToken === undefined && !verdict.letter;
    return isPlain ? undefined : carryOut(verdict, about);
  };
}

function namesOf(target: Target): JsonObject {
  const { context, user, client, transport, subscriptionId } = target;
  return { context, user, client, transport, subscription: subscriptionId ?? null };
}
