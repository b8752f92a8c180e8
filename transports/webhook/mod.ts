/**
 * The transport `webhook`: a notification as an HTTP POST to an address that the operator knows,
 * with the original's configuration (`webhooks.yml`), body and signature. A client is a webhook's
 * id, and its token is the address.
 */

import { ServiceError } from "../../core/errors.ts";
import type { ConfigurableTransport, SubscriptionTerms } from "../../core/transport.ts";
import { ClientSet, type PreparedClient } from "../clients/mod.ts";
import { MAX_WEBHOOK_BYTES } from "./payload.ts";
import type { WebhookOptions } from "./settings.ts";
import { addressFault, webhookAddress } from "./uri_rules.ts";
import {
  WebhookClient,
  type WebhookClientOptions,
  type WebhookHttpSettings,
} from "./webhook_client.ts";

export { webhookOptionsSchema } from "./settings.ts";

interface WebhookDeps extends Omit<WebhookClientOptions, "options" | "http" | "createHttpClient"> {
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
  /** Read at each `configure()`. */
  readonly http: () => WebhookHttpSettings;
}

/** Sends under way at once for one webhook; the operator's own limit may be lower. */
const MAX_CONCURRENT = 100;

/** Creates the transport, without webhooks until it is configured. */
export function createWebhookTransport(deps: WebhookDeps): ConfigurableTransport<WebhookOptions> {
  const clients = new ClientSet((options: WebhookOptions) =>
    Promise.resolve(prepare(options, deps))
  );

  function find(id: string): WebhookClient {
    const client = clients.get(id);
    if (client) return client;
    throw denied(`'webhooks.yml' has no usable webhook '${id}'`);
  }

  const transport = clients.transport({
    name: "webhook",
    traits: { maxPayloadBytes: MAX_WEBHOOK_BYTES, maxConcurrent: MAX_CONCURRENT },
    parseAddress(client, raw) {
      if (raw !== undefined && raw !== null && typeof raw !== "string") {
        throw new ServiceError("invalid_token", "Cannot use this token for webhook: not a text");
      }
      const address = webhookAddress(find(client).options, raw?.trim());
      if (!address.ok) throw denied(address.reason);
      return address.uri;
    },
  });
  return {
    ...transport,
    async admit({ context, user, client, token, expiresAt }) {
      const { options, http: { allowLocal } } = find(client);
      const { enabledIds, httpsOnly } = await deps.settingsOf({ context, user });
      if (!enabledIds.includes(client)) {
        throw denied("com.openexchange.webhooks.enabledIds does not name it for this user");
      }
      const fault = addressFault(token, { httpsOnly, allowLocal });
      if (fault) throw denied(fault);
      return termsOf(options, { expiresAt, now: deps.clock.now() });
    },
  };
}

function prepare(options: WebhookOptions, deps: WebhookDeps): PreparedClient<WebhookClient> {
  const http = deps.http();
  return {
    fingerprint: JSON.stringify([options, http]),
    open: () =>
      new WebhookClient({
        ...deps,
        ...{ options, http },
        createHttpClient: () => deps.createHttpClient({}),
      }),
  };
}

/** @throws {ServiceError} `subscription_denied` */
function termsOf(
  { maxTimeToLiveMillis, maxNumberOfSubscriptionsPerUser, allowSharedUri }: WebhookOptions,
  { expiresAt, now }: { readonly expiresAt: number | undefined; readonly now: number },
): SubscriptionTerms {
  const latest = maxTimeToLiveMillis > 0 ? now + maxTimeToLiveMillis : undefined;
  if (expiresAt !== undefined && expiresAt <= now) throw denied("its time of expiry has passed");
  if (latest !== undefined && expiresAt !== undefined && expiresAt > latest) {
    throw denied(`it may live ${maxTimeToLiveMillis} ms, and its time of expiry is later`);
  }
  const ends = expiresAt ?? latest;
  return {
    ...ends !== undefined && { expiresAt: ends },
    ...allowSharedUri && { shared: true },
    ...maxNumberOfSubscriptionsPerUser > 0 && { maxPerClient: maxNumberOfSubscriptionsPerUser },
  };
}

function denied(reason: string): ServiceError {
  return new ServiceError("subscription_denied", `Cannot subscribe with this webhook: ${reason}`);
}
