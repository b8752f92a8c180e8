/** Builds the headers of a push request (RFC 8030 §5), apart from `Authorization`. */

import { createHash } from "node:crypto";
import type { Message } from "../../core/message.ts";
import type { Priority } from "../../core/notification.ts";

/** FCM keeps messages for four weeks; Mozilla and Apple for a little longer. */
const MAX_TTL_SECONDS = 2_419_200;
/** How long a push service keeps a message without an expiry. */
const DEFAULT_TTL_SECONDS = 86_400;

const URGENCY: Readonly<Record<Priority, string>> = { high: "high", medium: "normal", low: "low" };

interface HeaderContext {
  readonly nowMs: number;
  /** Whether the endpoint is Windows' push service. */
  readonly isWindows: boolean;
}

/** Returns the headers of a message; an expired one reaches only a connected browser. */
export function pushHeaders(
  { priority, expiresAt, collapseKey }: Pick<Message, "priority" | "expiresAt" | "collapseKey">,
  { nowMs, isWindows }: HeaderContext,
): Record<string, string> {
  const seconds = expiresAt === undefined
    ? DEFAULT_TTL_SECONDS
    : Math.ceil(Math.max(0, expiresAt - nowMs) / 1000);
  const ttl = Math.min(seconds, MAX_TTL_SECONDS);
  return {
    "content-encoding": "aes128gcm",
    "content-type": "application/octet-stream",
    ttl: `${ttl}`,
    urgency: URGENCY[priority],
    ...collapseKey !== undefined && { topic: topicOf(collapseKey) },
    // Windows answers 400 where its default, to keep the message, contradicts the TTL.
    ...isWindows && { "x-wns-cache-policy": ttl === 0 ? "no-cache" : "cache" },
  };
}

/** 32 characters of base64url at most, which Apple decodes: always whole bytes. */
function topicOf(collapseKey: string): string {
  return createHash("sha256").update(collapseKey).digest().subarray(0, 24).toString("base64url");
}
