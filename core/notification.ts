/** The notification: one event that happened to one user. */

import type { DeliveryOptions } from "./delivery_options.ts";
import type { JsonObject, JsonText } from "./json.ts";

/** The urgency of a notification; multiplies its delay in the buffer by 1, 2 or 4. */
export type Priority = "high" | "medium" | "low";

/** The factor by which each priority multiplies the buffer's delay. */
export const DELAY_FACTOR: Readonly<Record<Priority, number>> = { high: 1, medium: 2, low: 4 };

/** A notification as the service processes it. */
export interface Notification {
  /** UUIDv7, assigned when the notification was accepted. */
  readonly id: string;
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  /** The JSON object that the publisher wrote, without the white space between its tokens. */
  readonly data: JsonText;
  readonly priority: Priority;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** Epoch milliseconds after which it must not be sent. */
  readonly expiresAt?: number;
  /** Connection id or token of the client that caused it, which does not receive it. */
  readonly sourceToken?: string;
  /** Only the newest of several waiting notifications with the same key is delivered. */
  readonly collapseKey?: string;
  /** Absent where its publisher asked for nothing special. */
  readonly options?: DeliveryOptions;
  /** W3C trace context of its publish, where traces are exported. */
  readonly traceparent?: string;
}

/** A notification with parsed data. */
export interface ParsedNotification extends Omit<Notification, "data"> {
  readonly data: JsonObject;
}

/** Parses the data of a notification. Jobs of an earlier version store them parsed. */
export function parseData({ data }: Notification | ParsedNotification): JsonObject {
  return typeof data === "string" ? JSON.parse(data) : data;
}

/** Returns a key for a user of any context. Ids never contain the separator. */
export function userKey(context: string, user: string): string {
  if (user !== last.user || context !== last.context) {
    last = { context, user, key: `${context}\u0000${user}` };
  }
  return last.key;
}

/** A cache of one: several maps are asked for a user in a row, and hashing a new key costs most. */
let last = { context: "", user: "", key: "\u0000" };
