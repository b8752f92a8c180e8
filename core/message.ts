/** A notification rendered for one client and transport. */

import type { JsonObject } from "./json.ts";
import type { Priority } from "./notification.ts";

/**
 * What a message generator returns and a transport sends. It is independent of providers: each
 * transport renders it in its provider's format and shortens `title` and `body` to the size limit.
 */
export interface Message {
  /** The notification's id, sent to every provider that has a field for it. */
  readonly id: string;
  readonly topic: string;
  readonly data: JsonObject;
  readonly priority: Priority;
  /** Whether the app only wakes up and shows nothing. `title` and `body` are then absent. */
  readonly silent: boolean;
  readonly title?: string;
  readonly body?: string;
  /** The number on the app's icon. */
  readonly badge?: number;
  /** Name of a sound file of the app, or `default`. */
  readonly sound?: string;
  /** Groups related messages, e.g. those of one mail folder. */
  readonly thread?: string;
  /** The app's category of action buttons. */
  readonly category?: string;
  /** A newer message with the same key replaces this one on the device. */
  readonly collapseKey?: string;
  /** Opened when the user taps the message, where the provider supports it. */
  readonly link?: string;
  /** Address or name of an icon, where the provider supports it. */
  readonly icon?: string;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
  /** The connection that caused it and does not receive it; only used for open sockets and webhooks. */
  readonly sourceToken?: string;
  /** Removes what is shown under this tag: a collapse key, or else the id of a notification. */
  readonly dismiss?: string;
  /** The token with which the app reports receipts. */
  readonly receipt?: string;
  /** Fields of the provider's format from a template; they replace the rendered ones. */
  readonly extra?: JsonObject;
}
