/**
 * Builds the headers of a push to WNS. Pure, except for the correlation vector, which is new per
 * request.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/push-request-response-headers
 */

import { createHash } from "node:crypto";
import type { Message } from "../../core/message.ts";
import { extraText } from "./payload.ts";
import type { WnsType } from "./settings.ts";

interface HeaderOptions {
  readonly type: WnsType;
  /** Epoch milliseconds. */
  readonly nowMs: number;
  readonly accessToken: string;
}

/** 1 wakes the screen; WNS sends raw notifications at 3 by default. */
const PRIORITIES = { high: "1", medium: "2", low: "3" } as const;
const SILENT_PRIORITY = "3";

/** Returns all headers but `Content-Length`, which the runtime sets. */
export function wnsHeaders(
  message: Message,
  { type, nowMs, accessToken }: HeaderOptions,
): Record<string, string> {
  const ttl = ttlSeconds(message.expiresAt, nowMs);
  const tag = tagOf(extraText(message, "tag") ?? message.collapseKey);
  const group = tagOf(extraText(message, "group"));
  return {
    "authorization": `Bearer ${accessToken}`,
    "content-type": type === "raw" ? "application/octet-stream" : "text/xml",
    "x-wns-type": `wns/${type}`,
    // WNS refuses a time to live of 0 together with caching.
    "x-wns-cache-policy": ttl === 0 ? "no-cache" : "cache",
    ...ttl !== undefined && { "x-wns-ttl": `${ttl}` },
    ...tag && { "x-wns-tag": tag },
    ...group && { "x-wns-group": group },
    "x-wns-priority": message.silent ? SILENT_PRIORITY : PRIORITIES[message.priority],
    "ms-cv": correlationVector(),
  };
}

function ttlSeconds(expiresAt: number | undefined, nowMs: number): number | undefined {
  if (expiresAt === undefined) return undefined;
  return Math.max(0, Math.ceil((expiresAt - nowMs) / 1000));
}

/** WNS takes 16 letters and digits; any other key is replaced by 64 bits of its hash. */
function tagOf(key: string | undefined): string | undefined {
  if (!key || /^[A-Za-z0-9]{1,16}$/.test(key)) return key;
  return createHash("sha256").update(key).digest("hex").slice(0, 16);
}

/** Microsoft's correlation vector 2.1: 128 random bits in base64 without padding, then `.0`. */
function correlationVector(): string {
  const bits = crypto.getRandomValues(new Uint8Array(16));
  return `${bits.toBase64({ omitPadding: true })}.0`;
}
