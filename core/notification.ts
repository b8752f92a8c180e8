/** What is published: one thing that happened to one user. */

import type { DeliveryOptions } from "./delivery_options.ts";
import type { JsonObject, JsonText } from "./json.ts";

/** How urgent a notification is; multiplies the time it waits in the buffer by 1, 2 or 4. */
export type Priority = "high" | "medium" | "low";

/** By how much each priority stretches the buffer's delay. */
export const DELAY_FACTOR: Readonly<Record<Priority, number>> = { high: 1, medium: 2, low: 4 };

/** A notification as it travels through the service. */
export interface Notification {
  /** UUIDv7, stamped when it was accepted. */
  readonly id: string;
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  /** A JSON object, as its publisher wrote it but for white space between tokens. */
  readonly data: JsonText;
  readonly priority: Priority;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** Epoch milliseconds after which it must not be sent any more. */
  readonly expiresAt?: number;
  /** The connection id or token of the client that caused it, which is told nothing. */
  readonly sourceToken?: string;
  /** Of several waiting notifications with this key only the newest is delivered. */
  readonly collapseKey?: string;
  /** Absent where its publisher asked for nothing special. */
  readonly options?: DeliveryOptions;
}

/** A notification whose data have been parsed, for whoever looks into them. */
export interface ParsedNotification extends Omit<Notification, "data"> {
  readonly data: JsonObject;
}

/** Parses the data of a notification. Jobs that an earlier version stored have them parsed. */
export function parseData({ data }: Notification | ParsedNotification): JsonObject {
  return typeof data === "string" ? JSON.parse(data) : data;
}

/** One text that names a user across contexts. Contexts and users never contain the separator. */
export function userKey(context: string, user: string): string {
  return `${context}\u0000${user}`;
}
