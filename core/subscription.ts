/** Who wants what: one address of one user, and the topics that it is to be told of. */

import type { JsonObject } from "./json.ts";

/** The ways out of the service. */
export const TRANSPORTS = ["websocket", "apn", "gcm", "wns", "webpush", "webhook"] as const;

/** The canonical name of a way out. */
export type TransportName = typeof TRANSPORTS[number];

const ALIASES: Readonly<Record<string, TransportName>> = {
  apns: "apn",
  apns_http2: "apn",
  fcm: "gcm",
};

/** The transport that a name or one of the original's aliases stands for. */
export function transportName(name: string): TransportName | undefined {
  return Object.hasOwn(ALIASES, name) ? ALIASES[name] : TRANSPORTS.find((known) => known === name);
}

/** A stored subscription. */
export interface Subscription {
  readonly id: string;
  readonly context: string;
  readonly user: string;
  /** The kind of app that receives, e.g. `open-xchange-appsuite`. */
  readonly client: string;
  readonly transport: TransportName;
  /** Device token, channel address or serialised push subscription, in canonical form. */
  readonly token: string;
  readonly topics: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Epoch milliseconds of the last time the client said that the token is its own. */
  readonly refreshedAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
  readonly meta?: JsonObject;
  /** Other users may subscribe the same token; absent: it belongs to one user. */
  readonly shared?: true;
}

/** One place that a notification is to be handed to: a stored subscription or open sockets. */
export interface Target {
  readonly context: string;
  readonly user: string;
  readonly client: string;
  readonly transport: TransportName;
  /** Empty for open sockets, which are found by user and client. */
  readonly token: string;
  /** Absent for open sockets. */
  readonly subscriptionId?: string;
  /** Epoch milliseconds; see {@link Subscription.refreshedAt}. 0 for open sockets. */
  readonly refreshedAt: number;
}
