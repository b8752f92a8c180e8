/**
 * Finds the targets of a notification: stored subscriptions of its user whose topics match, and
 * clients with open sockets that are interested. Delivery decides whether anything is sent.
 */

import type { Clock } from "../core/clock.ts";
import type { UserName } from "../core/events.ts";
import type { Notification } from "../core/notification.ts";
import type { Target } from "../core/subscription.ts";
import { topicsMatch } from "../core/topic.ts";
import type { Candidate, CandidateCache } from "./candidates.ts";

interface MatcherOptions {
  readonly candidates: CandidateCache;
  /** The topic patterns that the sockets of a client receive. */
  readonly interests: (client: string) => readonly string[];
  readonly clock: Pick<Clock, "now">;
}

/** Matches notifications with subscriptions. */
export interface Matcher {
  /**
   * Returns the targets, open sockets first; synchronous where the user is cached.
   *
   * @param connected the clients that the user has sockets with, each once
   * @throws {ServiceError} `store_unavailable`
   */
  match(
    notification: Pick<Notification, "context" | "user" | "topic">,
    connected: readonly string[],
  ): readonly Target[] | Promise<readonly Target[]>;
  /**
   * Loads these users into the cache with one read, so that a batch costs few round trips.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  prefetch(users: Iterable<UserName>): Promise<void>;
}

/** Creates a matcher over the cache that the repository keeps current. */
export function createMatcher({ candidates, interests, clock }: MatcherOptions): Matcher {
  function collect(
    { context, user, topic }: Pick<Notification, "context" | "user" | "topic">,
    { connected, stored }: {
      readonly connected: readonly string[];
      readonly stored: readonly Candidate[];
    },
  ): readonly Target[] {
    const targets: Target[] = [];
    for (const client of connected) {
      if (!topicsMatch(interests(client), topic)) continue;
      targets.push({ context, user, client, transport: "websocket", token: "", refreshedAt: 0 });
    }
    if (stored.length === 0) return targets;
    const now = clock.now();
    for (const { topics, expiresAt, target } of stored) {
      if (expiresAt > now && topicsMatch(topics, topic)) targets.push(target);
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
