/**
 * Says why a user's subscriptions and sockets are no targets of a notification. Pure; explain shows
 * it beside the targets.
 */

import type { Presence } from "../core/events.ts";
import type { Subscription, Target, TransportName } from "../core/subscription.ts";
import { topicsMatch } from "../core/topic.ts";

/** Why something is no target. */
export const ABSENT_CODES = [
  "no_subscription",
  "topic_not_subscribed",
  "no_socket",
  "topic_not_delivered",
] as const;

/** A subscription, or the sockets of a client, that are no target; or that there are none. */
export interface AbsentTarget {
  readonly code: typeof ABSENT_CODES[number];
  readonly client?: string;
  readonly transport?: TransportName;
  readonly subscription?: string;
  /** The reason as a sentence. */
  readonly reason: string;
}

/** Restricts an explanation to one client, one transport or both. */
export interface TargetFilter {
  readonly client?: string | undefined;
  readonly transport?: TransportName | undefined;
}

/** What a user has, and how topics are matched with it. */
interface UserAddresses {
  readonly subscriptions: readonly Pick<
    Subscription,
    "id" | "client" | "transport" | "topics" | "expiresAt"
  >[];
  readonly present: readonly Presence[];
  /** Returns the topic patterns that the sockets of a client receive. */
  readonly interests: (client: string) => readonly string[];
  readonly now: number;
}

/** Whether a target, or what could be one, passes a filter. */
export function passesFilter(
  { client, transport }: Pick<Target, "client" | "transport">,
  filter: TargetFilter,
): boolean {
  return (filter.client === undefined || filter.client === client) &&
    (filter.transport === undefined || filter.transport === transport);
}

/** Returns what is no target of a topic, and why. */
export function absentTargets(
  topic: string,
  { subscriptions, present, interests, now }: UserAddresses,
  filter: TargetFilter = {},
): readonly AbsentTarget[] {
  const mine = subscriptions.filter((one) => passesFilter(one, filter));
  const clients = [...new Set(present.map(({ client }) => client))]
    .filter((client) => passesFilter({ client, transport: "websocket" }, filter));
  return [
    ...filter.transport === "websocket" ? [] : ofSubscriptions(topic, mine, { filter, now }),
    ...filter.transport === undefined || filter.transport === "websocket"
      ? ofSockets(topic, clients, { filter, interests })
      : [],
  ];
}

function ofSubscriptions(
  topic: string,
  subscriptions: UserAddresses["subscriptions"],
  { filter, now }: { readonly filter: TargetFilter; readonly now: number },
): readonly AbsentTarget[] {
  const live = subscriptions.filter(({ expiresAt = Infinity }) => expiresAt > now);
  if (live.length === 0) {
    return [{
      ...named(filter),
      code: "no_subscription",
      reason: `the user has no subscription${suffix(filter)}`,
    }];
  }
  return live.filter(({ topics }) => !topicsMatch(topics, topic))
    .map(({ id, client, transport, topics }) => ({
      code: "topic_not_subscribed",
      client,
      transport,
      subscription: id,
      reason: `it subscribes to ${topics.join(", ")}, not to ${topic}`,
    }));
}

function ofSockets(
  topic: string,
  clients: readonly string[],
  { filter, interests }: {
    readonly filter: TargetFilter;
    readonly interests: UserAddresses["interests"];
  },
): readonly AbsentTarget[] {
  if (clients.length === 0) {
    return [{
      ...named({ ...filter, transport: "websocket" }),
      code: "no_socket",
      reason: `the user has no open socket${suffix({ client: filter.client })}`,
    }];
  }
  return clients.filter((client) => !topicsMatch(interests(client), topic))
    .map((client) => ({
      code: "topic_not_delivered",
      client,
      transport: "websocket",
      reason: interests(client).length === 0
        ? `pns-websocket-clients.yml does not list ${client}`
        : `sockets of ${client} receive ${interests(client).join(", ")}, not ${topic}`,
    }));
}

function named({ client, transport }: TargetFilter) {
  return {
    ...client !== undefined && { client },
    ...transport !== undefined && { transport },
  };
}

function suffix({ client, transport }: TargetFilter): string {
  const by = transport === undefined ? "" : ` with transport ${transport}`;
  return client === undefined ? by : `${by} of client ${client}`;
}
