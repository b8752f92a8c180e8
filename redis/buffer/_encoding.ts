/** Notifications made ready for Redis: where each belongs, as what it travels, and when it is due. */

import type { BufferSettings } from "../../buffer/mod.ts";
import { ServiceError } from "../../core/errors.ts";
import { DELAY_FACTOR, type Notification } from "../../core/notification.ts";
import { formatNotification } from "./_codec.ts";
import { partitionOf } from "../keys.ts";

/**
 * The same as the embedded buffer takes, so that a publisher need not know which one there is: a
 * single notification, and everything put at once.
 */
const MAX_BYTES = 64 * 1024;
const MAX_PUT_BYTES = 800 * 1024;

/** How notifications are accepted. */
interface EncodeOptions {
  readonly settings: Pick<BufferSettings, "delayDuration" | "maxDelayDuration">;
  /** Epoch milliseconds, as the servers have it. */
  readonly now: number;
  /** Claimed at once, so they do not wait. */
  readonly claimed: boolean;
}

/** A notification that is ready. */
export interface EncodedNotification {
  readonly notification: Notification;
  readonly partition: number;
  readonly body: string;
  /** When it is due, and the latest that similar ones can put it off to: 13 digits each. */
  readonly due: string;
  readonly latest: string;
}

/** @throws {ServiceError} `payload_too_large` */
export function encodeForRedis(
  notifications: readonly Notification[],
  { settings: { delayDuration, maxDelayDuration }, now, claimed }: EncodeOptions,
): readonly EncodedNotification[] {
  const longest = Math.max(delayDuration, maxDelayDuration);
  const ready = notifications.map((notification): EncodedNotification => {
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
  const bytes = encodedBytes(ready);
  if (bytes > MAX_PUT_BYTES) throw tooLarge(`${bytes} bytes at once`, MAX_PUT_BYTES);
  if (!ready.every(({ body }) => fits(body))) throw tooLarge("a notification", MAX_BYTES);
  return ready;
}

/** About what notifications weigh. */
export function encodedBytes(ready: readonly EncodedNotification[]): number {
  return ready.reduce((sum, { body }) => sum + body.length, 0);
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
