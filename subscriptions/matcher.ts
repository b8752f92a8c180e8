/**
 * Finds everyone who wants a notification: stored subscriptions of its user whose topics cover it,
 * and the user's open sockets whose client is interested. It decides nothing else; whether
 * anything is sent is up to the delivery.
 */

import type { Clock } from "../core/clock.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import { topicsMatch } from "../core/topic.ts";
import type { SubscriptionOwner } from "./_records.ts";
import type { Candidate, CandidateCache } from "./candidates.ts";

/** What a {@link Matcher} is made of. */
export interface MatcherOptions {
  readonly candidates: CandidateCache;
  /** Topic patterns that the sockets of a client are told of. */
  readonly interests: (client: string) => readonly string[];
  readonly clock: Pick<Clock, "now">;
}

/** Matching of notifications with subscriptions. */
export interface Matcher {
  /**
   * Everyone who wants it, open sockets first. At once where the user is known already.
   *
   * @param connected the clients that the user has sockets with, each once
   * @throws {ServiceError} `store_unavailable`
   */
  match(
    notification: Pick<Notification, "context" | "user" | "topic">,
    connected: readonly string[],
  ): readonly Target[] | Promise<readonly Target[]>;
  /**
   * Makes these users known with one read, so that matching a batch costs few round trips.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  prefetch(users: Iterable<SubscriptionOwner>): Promise<void>;
}

const NOBODY: readonly Target[] = [];

/** A matcher over the cache that the repository keeps up to date. */
export function createMatcher({ candidates, interests, clock }: MatcherOptions): Matcher {
  function collect(
    { context, user, topic }: Pick<Notification, "context" | "user" | "topic">,
    { connected, stored }: {
      readonly connected: readonly string[];
      readonly stored: readonly Candidate[];
    },
  ): readonly Target[] {
    let targets = NOBODY;
    for (const client of connected) {
      if (!topicsMatch(interests(client), topic)) continue;
      const target: Target = {
        context,
        user,
        client,
        transport: "websocket",
        token: "",
        refreshedAt: 0,
      };
      targets = targets.length === 0 ? [target] : [...targets, target];
    }
    if (stored.length === 0) return targets;
    const now = clock.now();
    for (const { topics, expiresAt, target } of stored) {
      if (expiresAt > now && topicsMatch(topics, topic)) targets = [...targets, target];
    }
    return targets;
  }

  return {
    match(notification, connected) {
      const known = candidates.peek(notification.context, notification.user);
      if (known !== undefined) return collect(notification, { connected, stored: known });
      return candidates.load(notification).then((stored) =>
        collect(notification, { connected, stored })
      );
    },
    prefetch: (users) => candidates.prefetch(users),
  };
}
