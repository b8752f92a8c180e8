/**
 * Publishes what the middleware's webhooks say. A webhook is durable before it is answered, and
 * counts once: its signature is the idempotency key of the publish, which all nodes share. The HTTP
 * side is in `routes/open_xchange.ts`.
 */

import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Principal, Scope } from "../core/principal.ts";
import type { Publish } from "../delivery/mod.ts";
import { checkSecret, checkSignature, type WebhookExpectations } from "./webhook_checks.ts";
import { readWebhookEvent } from "./webhook_event.ts";

interface WebhookReceiverOptions {
  readonly expectations: () => WebhookExpectations;
  readonly publish: Publish;
  readonly clock: Pick<Clock, "now">;
  readonly metrics: Pick<Metrics, "count">;
}

interface IncomingWebhook {
  /** The value of a header, by its name. */
  readonly header: (name: string) => string | null;
  /** Reads the body; called once the secret is right. */
  readonly body: () => Promise<{ readonly text: string; readonly bytes: Uint8Array }>;
}

/** Takes webhooks. */
export interface WebhookReceiver {
  /**
   * Publishes a webhook; returns the ids of its notifications.
   *
   * @throws {ServiceError} `not_configured`, `unauthenticated`, `invalid_request`, `invalid_topic`,
   * `replayed`, `conflict` where it is a webhook of this service itself, and what publishing throws
   */
  receive(webhook: IncomingWebhook): Promise<readonly string[]>;
}

/** The header of webhooks that a Carillon sends, which would go round for ever. */
const LOOP_HEADER = "x-carillon-webhook";

/** Who webhooks publish as, in logs and limits. */
const MIDDLEWARE: Principal = {
  id: "open-xchange-webhook",
  kind: "key",
  scopes: new Set<Scope>(["publish"]),
};

/** Creates the receiver. */
export function createWebhookReceiver(
  { expectations, publish, clock, metrics }: WebhookReceiverOptions,
): WebhookReceiver {
  async function receive({ header, body }: IncomingWebhook): Promise<readonly string[]> {
    const expected = expectations();
    checkSecret(header("authorization"), expected);
    if (header(LOOP_HEADER) !== null) {
      const message = "Cannot accept the webhook: this service, or one like it, has sent it. " +
        "Take its id out of com.openexchange.webhooks.enabledIds";
      throw new ServiceError("conflict", message);
    }
    const { text, bytes } = await body();
    // Nothing of an unsigned body is looked at, but for where signatures are not asked for.
    const unsigned = expected.signatureSecrets.length === 0 ? readWebhookEvent(text) : undefined;
    const idempotencyKey = checkSignature({
      ...{ header, body: bytes, timestamp: unsigned?.timestamp, now: clock.now() },
    }, expected);
    const { draft } = unsigned ?? readWebhookEvent(text);
    const { ids, replayed } = await publish(MIDDLEWARE, {
      ...{ drafts: [draft], alone: true, idempotencyKey },
    });
    if (replayed) throw new ServiceError("replayed", "Cannot accept a webhook a second time");
    metrics.count("carillon_notifications_accepted_total", {}, ids.length);
    return ids;
  }

  return {
    async receive(webhook) {
      let result = "accepted";
      try {
        return await receive(webhook);
      } catch (thrown) {
        result = thrown instanceof ServiceError ? thrown.code : "internal";
        throw thrown;
      } finally {
        metrics.count("carillon_webhooks_received_total", { result });
      }
    },
  };
}
