/**
 * The webhooks that the mock middleware sends: body, `Authorization` and signature as the original
 * makes them, and wrong in every way that a receiver has to refuse.
 */

import { webhookSignatureHeader } from "../../core/webhook_signature.ts";

/** Where webhooks go, as `webhooks.yml` of the middleware has it. */
export interface WebhookTarget {
  readonly id: string;
  readonly uri: string;
  readonly webhookSecret?: string;
  readonly signatureSecret?: string;
  /** @default {"X-OX-Signature"} */
  readonly signatureHeaderName?: string;
  /** @default {"1"} */
  readonly version?: string;
}

/** What may be wrong with a webhook. */
export const WEBHOOK_FAULTS = [
  "wrong-secret",
  "wrong-signature",
  "no-signature",
  "stale",
  "bad-topic",
  "bad-user",
  "no-json",
  "large",
] as const;

/** One of {@link WEBHOOK_FAULTS}. */
export type WebhookFault = typeof WEBHOOK_FAULTS[number];

/** One event for one user. */
export interface MiddlewareEvent {
  readonly context: number;
  readonly user: number;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** Push token of the client that caused it. */
  readonly sourceToken?: string;
}

/** A request that is ready to be sent, once or several times. */
export interface WebhookRequest {
  readonly url: string;
  readonly init: {
    readonly method: "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}

const DAY_MS = 86_400_000;
const LARGE_BYTES = 2 * 1024 * 1024;

/** The request for an event, with at most one thing wrong. */
export function webhookRequest(
  target: WebhookTarget,
  { context, user, event, data, sourceToken }: MiddlewareEvent,
  { now, fault }: { readonly now: number; readonly fault?: WebhookFault | undefined },
): WebhookRequest {
  const timestamp = fault === "stale" ? now - DAY_MS : now;
  const payload = {
    ...data,
    user: fault === "bad-user" ? 0 : user,
    context,
    ...sourceToken !== undefined && { sourceToken },
    email1: `user${user}@context${context}.example.com`,
    ...fault === "large" && { teaser: "x".repeat(LARGE_BYTES) },
  };
  const topic = fault === "bad-topic" ? `${event}:*:x` : event;
  const json = JSON.stringify({ event: topic, payload, timestamp });
  const body = fault === "no-json" ? json.slice(1) : json;
  return {
    url: target.uri,
    init: { method: "POST", headers: headersOf(target, { body, timestamp, fault }), body },
  };
}

function headersOf(
  { webhookSecret, signatureSecret, signatureHeaderName = "X-OX-Signature", version = "1" }:
    WebhookTarget,
  { body, timestamp, fault }: {
    readonly body: string;
    readonly timestamp: number;
    readonly fault: WebhookFault | undefined;
  },
): Readonly<Record<string, string>> {
  const secret = fault === "wrong-secret" ? `${webhookSecret}x` : webhookSecret;
  const key = fault === "wrong-signature" ? `${signatureSecret}x` : signatureSecret;
  return {
    "content-type": "application/json; charset=UTF-8",
    ...secret !== undefined && { authorization: secret },
    ...key !== undefined && fault !== "no-signature" &&
      { [signatureHeaderName]: webhookSignatureHeader(key, { version, timestamp, body }) },
  };
}
