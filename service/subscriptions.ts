/** The subscriptions as delivery wants them: matching, and what becomes of tokens. */

import type { Subscription, Target } from "../core/subscription.ts";
import type { PipelineOptions } from "../delivery/mod.ts";
import type { Matcher, SubscriptionRepository } from "../subscriptions/mod.ts";

/** See the file's comment. */
export function subscriptionsOf(
  repository: SubscriptionRepository,
  matcher: Matcher,
): PipelineOptions["subscriptions"] {
  return {
    match: (notification, connected) => matcher.match(notification, connected),
    prefetch: (users) => matcher.prefetch(users),
    remove: (target) => repository.remove(target),
    async replaceToken(target, token) {
      return await repository.replaceToken(target, token) !== "unchanged";
    },
    async refresh({ subscriptionId }) {
      const found = subscriptionId && await repository.get(subscriptionId);
      return found ? targetOf(found) : undefined;
    },
  };
}

/** The place that a subscription stands for. */
export function targetOf(subscription: Subscription): Target {
  const { id, context, user, client, transport, token, refreshedAt } = subscription;
  return { context, user, client, transport, token, subscriptionId: id, refreshedAt };
}
