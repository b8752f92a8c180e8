/** A notification made presentable for one client and transport. */

import type { JsonObject } from "./json.ts";
import type { Priority } from "./notification.ts";

/**
 * What a message generator makes and a transport sends. It is neutral: each transport renders it
 * in its provider's format and shortens `title` and `body` to the provider's size limit.
 */
export interface Message {
  /** Id of the notification, passed on wherever a provider has a place for it. */
  readonly id: string;
  readonly topic: string;
  /** The notification's own data. */
  readonly data: JsonObject;
  readonly priority: Priority;
  /** Nothing to show: the app is woken to update itself. `title` and `body` are then absent. */
  readonly silent: boolean;
  readonly title?: string;
  readonly body?: string;
  /** The number on the app's icon. */
  readonly badge?: number;
  /** Name of a sound file of the app, or `default`. */
  readonly sound?: string;
  /** Groups messages that belong together, e.g. one mail folder. */
  readonly thread?: string;
  /** Kind of message, for the app's action buttons. */
  readonly category?: string;
  /** A newer message with the same key replaces this one on the device. */
  readonly collapseKey?: string;
  /** Opened when the user taps the message, where the provider knows such a thing. */
  readonly link?: string;
  /** Address or name of a picture, where the provider knows such a thing. */
  readonly icon?: string;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
  /** The connection that caused it and is told nothing; only open sockets look at it. */
  readonly sourceToken?: string;
  /** Takes back what was shown under this tag: a collapse key, or else a notification's id. */
  readonly dismiss?: string;
  /** The token with which the app reports what became of the message. */
  readonly receipt?: string;
  /** Fields in the provider's own format that a template sets; merged over the rendered ones. */
  readonly extra?: JsonObject;
}
