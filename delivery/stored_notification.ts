/**
 * The stored form of a notification in a job or dead letter. Its data are UTF-8, as in the buffer's
 * log: a store counts two bytes for each character of a text that has one beyond Latin-1, so a
 * large notification that the log takes would not fit as a text. Pure.
 */

import type { Notification } from "../core/notification.ts";

interface HasNotification {
  readonly notification: Notification;
}

/** Shorter data are stored as they are. */
const MIN_LENGTH = 8_192;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns what is stored for a job or dead letter. */
export function packNotification<T extends HasNotification>(job: T): T {
  const { notification } = job;
  const { data } = notification;
  if (typeof data !== "string" || data.length < MIN_LENGTH) return job;
  return { ...job, notification: { ...notification, data: encoder.encode(data) } };
}

/** Returns the job or dead letter of a stored one. */
export function unpackNotification<T extends HasNotification>(stored: T): T {
  const { notification } = stored;
  const data: unknown = notification.data;
  if (!(data instanceof Uint8Array)) return stored;
  return { ...stored, notification: { ...notification, data: decoder.decode(data) } };
}
