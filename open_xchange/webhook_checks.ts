/**
 * Whether a webhook comes from the middleware, and is neither stale nor somebody's copy: the secret
 * in `Authorization`, the signature, and its time. Pure; every comparison of secrets takes the same
 * time wherever they differ, and every configured secret is compared.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { ServiceError } from "../core/errors.ts";
import { readWebhookSignature, signWebhook } from "../core/webhook_signature.ts";

/** What the operator expects of webhooks. */
export interface WebhookExpectations {
  /** Values of `Authorization`, one of which must be there; empty: none is asked for. */
  readonly secrets: readonly string[];
  /** One of which must have signed; empty: signatures are not asked for. */
  readonly signatureSecrets: readonly string[];
  readonly signatureHeader: string;
  /** Milliseconds that the time of a webhook may be away from this service's. */
  readonly toleranceMs: number;
}

/**
 * Checks the `Authorization` header of a webhook.
 *
 * @throws {ServiceError} `not_configured` where no secret of either kind is configured,
 * `unauthenticated`
 */
export function checkSecret(
  authorization: string | null,
  { secrets, signatureSecrets }: WebhookExpectations,
): void {
  if (secrets.length === 0 && signatureSecrets.length === 0) {
    const message = "Cannot accept webhooks: set io.carillon.openxchange.webhook.secrets, " +
      "io.carillon.openxchange.webhook.signatureSecrets or both";
    throw new ServiceError("not_configured", message);
  }
  if (secrets.length === 0) return;
  if (authorization === null) throw refused("it has no Authorization header");
  if (!isOneOf(authorization.trim(), secrets)) {
    throw refused("its Authorization is none of the configured secrets");
  }
}

/**
 * Checks the signature of a webhook and its time. Returns a text that is the same for a webhook and
 * its copies and for nothing else.
 *
 * @param header reads a header of the request
 * @param timestamp epoch milliseconds as the body says, which count where nothing is signed
 * @param now epoch milliseconds
 * @throws {ServiceError} `unauthenticated` where the signature is missing or wrong, or the time is
 * too far away
 */
export function checkSignature(
  { header, body, timestamp, now }: {
    readonly header: (name: string) => string | null;
    readonly body: Uint8Array;
    readonly timestamp: number | undefined;
    readonly now: number;
  },
  { signatureSecrets, signatureHeader, toleranceMs }: WebhookExpectations,
): string {
  if (signatureSecrets.length === 0) {
    if (timestamp === undefined) throw refused("its body has no 'timestamp'");
    checkTime(timestamp, { now, toleranceMs });
    return `body:${createHash("sha256").update(body).digest("base64url")}`;
  }
  const given = header(signatureHeader);
  if (given === null) throw refused(`it has no header ${signatureHeader}`);
  const signature = readWebhookSignature(given);
  if (!signature) throw refused(`its ${signatureHeader} is malformed`);
  const signed = { version: signature.version, timestamp: signature.timestamp, body };
  const expected = signatureSecrets.map((secret) => signWebhook(secret, signed));
  if (!isOneOf(signature.hex, expected)) {
    throw refused("none of the configured secrets has made its signature");
  }
  checkTime(signature.timestamp, { now, toleranceMs });
  return `signature:${signature.timestamp}:${signature.hex}`;
}

function checkTime(
  timestamp: number,
  { now, toleranceMs }: { readonly now: number; readonly toleranceMs: number },
): void {
  if (Math.abs(now - timestamp) <= toleranceMs) return;
  throw refused(`its time is more than ${toleranceMs} ms away: check both clocks`);
}

/** Compares digests, so that neither the length nor the place of a difference shows in the time. */
function isOneOf(given: string, expected: readonly string[]): boolean {
  const digest = digestOf(given);
  let found = false;
  for (const one of expected) found = timingSafeEqual(digest, digestOf(one)) || found;
  return found;
}

function digestOf(text: string): Uint8Array {
  return createHash("sha256").update(text).digest();
}

function refused(reason: string): ServiceError {
  return new ServiceError("unauthenticated", `Cannot accept the webhook: ${reason}`);
}
