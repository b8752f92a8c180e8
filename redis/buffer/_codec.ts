/**
 * Encodes notifications as Redis stores them: as JSON lists, because the names of fields would be
 * much of the size, and without what their key says already.
 */

import { createHash } from "node:crypto";
import { aggregationKey } from "../../buffer/mod.ts";
import { withoutLineBreaks } from "../../core/json.ts";
import type { Notification } from "../../core/notification.ts";

/** Longer aggregation keys are stored as a hash. */
const MAX_KEY_LENGTH = 96;

type NotificationExtras =
  & Pick<Notification, "expiresAt" | "sourceToken" | "collapseKey" | "options" | "traceparent">
  & { readonly context?: string };
type StoredNotification = readonly [
  user: string,
  topic: string,
  priority: Notification["priority"],
  acceptedAt: number,
  extras?: NotificationExtras,
];

/**
 * Returns the body of a notification in three lines: its aggregation key, its fields as a JSON
 * list, and its data. A notification that does not wait needs only the context of the key.
 */
export function formatNotification(
  notification: Notification,
  { waits }: { readonly waits: boolean },
): string {
  const { context, user, topic, priority, acceptedAt } = notification;
  const { expiresAt, sourceToken, collapseKey, options, traceparent } = notification;
  const exact = context.isWellFormed();
  const stored: unknown[] = [user, topic, priority, acceptedAt];
  if (
    expiresAt !== undefined || sourceToken !== undefined || collapseKey !== undefined ||
    options !== undefined || traceparent !== undefined || !exact
  ) {
    const named = exact ? undefined : context;
    stored.push({ expiresAt, sourceToken, collapseKey, options, traceparent, context: named });
  }
  const key = waits ? storedKey(notification) : `${context}\u0000`;
  return `${key}\n${JSON.stringify(stored)}\n${withoutLineBreaks(notification.data)}`;
}

/** Reads the notification with this id and body. */
export function parseNotification(id: string, body: string): Notification {
  const listAt = body.indexOf("\n") + 1;
  const dataAt = body.indexOf("\n", listAt) + 1;
  const [user, topic, priority, acceptedAt, extras]: StoredNotification = JSON.parse(
    body.slice(listAt, dataAt - 1),
  );
  const context = body.slice(0, body.indexOf("\u0000"));
  const data = body.slice(dataAt);
  return { id, context, user, topic, data, priority, acceptedAt, ...extras };
}

/**
 * Returns the aggregation key, which begins with the context and a NUL. A key that is long, or that
 * UTF-8 cannot represent, is replaced by its hash.
 */
function storedKey(notification: Notification): string {
  const key = aggregationKey(notification);
  if (key.length <= MAX_KEY_LENGTH && !key.includes("\n") && key.isWellFormed()) return key;
  const hash = createHash("sha256").update(key, "utf16le").digest("base64url");
  return `${notification.context}\u0000#${hash}`;
}
