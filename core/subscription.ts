/** The subscription: one address of one user, and the topics that it receives. */

import type { JsonObject } from "./json.ts";

/** The names of all transports. */
export const TRANSPORTS = ["websocket", "apn", "gcm", "wns", "webpush", "webhook"] as const;

/** The canonical name of a transport. */
export type TransportName = typeof TRANSPORTS[number];

const ALIASES: Readonly<Record<string, TransportName>> = {
  apns: "apn",
  apns_http2: "apn",
  fcm: "gcm",
};

/** Returns the transport of a name or of one of the original's aliases. */
export function transportName(name: string): TransportName | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : TRANSPORTS.find((known) => known === name);
}

/** A stored subscription. */
export interface Subscription {
  readonly id: string;
  readonly context: string;
  readonly user: string;
  /** The kind of the receiving app, e.g. `open-xchange-appsuite`. */
  readonly client: string;
  readonly transport: TransportName;
  /** Device token, channel URI or serialised push subscription, in canonical form. */
  readonly token: string;
  readonly topics: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds of the last time that the client confirmed the token. */
  readonly refreshedAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
  readonly meta?: JsonObject;
  /** The language of the app, as a canonical tag. */
  readonly locale?: string;
  /** Other users may subscribe the same token; absent: it belongs to one user. */
  readonly shared?: true;
}

/** One target of a notification: a stored subscription, or the open sockets of a client. */
export interface Target extends Pick<Subscription, "context" | "user" | "client" | "transport"> {
  /** Empty for open sockets, which user and client identify. */
  readonly token: string;
  /** Absent for open sockets. */
  readonly subscriptionId?: string;
  /** Epoch milliseconds; see {@link Subscription.refreshedAt}. 0 for open sockets. */
  readonly refreshedAt: number;
  /** See {@link Subscription.locale}. */
  readonly locale?: string;
}

/** Returns a subscription as a target. */
export function targetOf(subscription: Subscription): Target {
  const { id, context, user, client, transport, token, refreshedAt, locale } = subscription;
  return {
    ...{ context, user, client, transport, token, subscriptionId: id, refreshedAt },
    ...locale !== undefined && { locale },
  };
}
