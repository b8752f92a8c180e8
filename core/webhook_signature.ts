/**
 * The signature of Open-Xchange's webhooks: an HMAC-SHA-256 over version, time and body, in a header
 * `t=<ms>, v<version>=<hex>`. Sender and receiver share it. Says nothing of who may send what.
 */

import { createHmac } from "node:crypto";

interface SignedWebhook {
  /** The `version` of the webhook's configuration, e.g. `1`. */
  readonly version: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** The body as it is sent, in UTF-8. */
  readonly body: string | Uint8Array;
}

interface WebhookSignature {
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly version: string;
  /** 64 hex digits in lower case. */
  readonly hex: string;
}

const HEADER = /^\s*t=(\d{1,15})\s*,\s*v([\w.-]{1,32})=([0-9a-fA-F]{64})\s*$/;

/** The signature, as 64 hex digits. */
export function signWebhook(secret: string, { version, timestamp, body }: SignedWebhook): string {
  return createHmac("sha256", secret).update(`v${version}:${timestamp}:`).update(body)
    .digest("hex");
}

/** The value of the signature header; the blank after the comma is the original's. */
export function webhookSignatureHeader(secret: string, signed: SignedWebhook): string {
  return `t=${signed.timestamp}, v${signed.version}=${signWebhook(secret, signed)}`;
}

/** Reads a signature header; `undefined` where it is malformed. */
export function readWebhookSignature(header: string): WebhookSignature | undefined {
  const [, timestamp, version, hex] = HEADER.exec(header) ?? [];
  if (hex === undefined) return undefined;
  return { timestamp: Number(timestamp), version: version!, hex: hex.toLowerCase() };
}
