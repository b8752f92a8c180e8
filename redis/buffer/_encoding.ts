/** Prepares notifications for Redis: their partition, body and due time. */

import type { BufferSettings } from "../../buffer/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import { DELAY_FACTOR, type Notification } from "../../core/notification.ts";
import { formatNotification } from "./_codec.ts";
import { partitionOf } from "../keys.ts";

/**
 * The limits of the embedded buffer, so that publishers see the same ones: a single notification,
 * and all notifications of one put.
 */
const MAX_BYTES = 64 * 1024;
const MAX_PUT_BYTES = 800 * 1024;

interface EncodeOptions {
  readonly settings: Pick<BufferSettings, "delayDuration" | "maxDelayDuration">;
  /** Epoch milliseconds by the clock of the servers. */
  readonly now: number;
  /** Whether they are claimed at once and do not wait. */
  readonly claimed: boolean;
}

/** A notification that is encoded to be written. */
export interface EncodedNotification {
  readonly notification: Notification;
  readonly partition: number;
  readonly body: string;
  /** When it is due, and the latest time to which similar ones can delay it: 13 digits each. */
  readonly due: string;
  readonly latest: string;
}

/**
 * Prepares notifications.
 *
 * @throws {ServiceError} `payload_too_large`
 */
export function encodeForRedis(
  notifications: readonly Notification[],
  { settings: { delayDuration, maxDelayDuration }, now, claimed }: EncodeOptions,
): readonly EncodedNotification[] {
  const longest = Math.max(delayDuration, maxDelayDuration);
  const encoded = notifications.map((notification): EncodedNotification => {
    const { context, user, priority } = notification;
    const factor = DELAY_FACTOR[priority];
    return {
      notification,
      partition: partitionOf(context, user),
      body: formatNotification(notification, { waits: !claimed }),
      due: digits(now + delayDuration * factor),
      latest: digits(now + longest * factor),
    };
  });
  const bytes = encodedBytes(encoded);
  if (bytes > MAX_PUT_BYTES) throw tooLarge(`${bytes} bytes at once`, MAX_PUT_BYTES);
  if (!encoded.every(({ body }) => fits(body))) throw tooLarge("a notification", MAX_BYTES);
  return encoded;
}

/** Estimate of the bytes of notifications. */
export function encodedBytes(encoded: readonly EncodedNotification[]): number {
  return encoded.reduce((sum, { body }) => sum + body.length, 0);
}

function fits(body: string): boolean {
  if (body.length * 3 <= MAX_BYTES) return true; // three bytes at most for a UTF-16 unit
  return body.length <= MAX_BYTES && new TextEncoder().encode(body).length <= MAX_BYTES;
}

function tooLarge(what: string, limit: number): ServiceError {
  return new ServiceError(
    "payload_too_large",
    `Cannot accept ${what}: at most ${limit} bytes fit, so split the batch`,
  );
}

function digits(epochMs: number): string {
  return String(Math.round(epochMs)).padStart(13, "0");
}
