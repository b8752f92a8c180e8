/**
 * Everything that one webhook of the configuration sends with: its address rules, its credentials,
 * its signature and its connections. One attempt at a time; retries are the pipeline's.
 */

import { Buffer } from "node:buffer";
import type { Clock } from "../../core/clock.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import { webhookSignatureHeader } from "../../core/webhook_signature.ts";
import type { ConfiguredClient } from "../clients/mod.ts";
import { FetchSender } from "../http/mod.ts";
import { resolvedFault, type ResolveHost } from "../http/public_address.ts";
import { readWebhookAnswer, readWebhookFailure } from "./answers.ts";
import { previewWebhook, renderWebhook } from "./payload.ts";
import type { WebhookOptions } from "./settings.ts";
import { addressFault, webhookAddress } from "./uri_rules.ts";

/** The operator's limits on HTTP, which hold for every webhook. */
export interface WebhookHttpSettings {
  /** `….webhooks.http.maxConnectionsPerHost`. */
  readonly maxInFlight: number;
  /** `….http.connectionTimeout` and `….http.socketReadTimeout` together. */
  readonly timeoutMs: number;
  /** `….webhooks.allowLocalWebhooks`. */
  readonly allowLocal: boolean;
}

/** What the configuration says of one user's webhooks. */
interface UserWebhooks {
  /** `com.openexchange.webhooks.enabledIds`. */
  readonly enabledIds: readonly string[];
  /** `com.openexchange.pns.transport.webhooks.httpsOnly`. */
  readonly httpsOnly: boolean;
}

/** What a {@link WebhookClient} is made of. */
export interface WebhookClientOptions {
  readonly settingsOf: (
    user: Pick<Target, "context" | "user">,
  ) => UserWebhooks | Promise<UserWebhooks>;
  /** The `meta` that a subscription was made with. */
  readonly metaOf: (subscriptionId: string) => Promise<JsonObject | undefined>;
  readonly options: WebhookOptions;
  readonly http: WebhookHttpSettings;
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  readonly createHttpClient: () => Deno.HttpClient;
  readonly resolve: ResolveHost;
}

/** The header by which a Carillon that gets its own webhook back knows it, and refuses it. */
const LOOP_HEADER = "x-carillon-webhook";
/** Clients of the runtime that requests are spread over. */
const CLIENTS = 2;

/** One webhook of the configuration. */
export class WebhookClient implements ConfiguredClient {
  readonly options: WebhookOptions;
  readonly http: WebhookHttpSettings;
  readonly #deps: WebhookClientOptions;
  readonly #sender: FetchSender;

  constructor(deps: WebhookClientOptions) {
    this.#deps = deps;
    this.options = deps.options;
    this.http = deps.http;
    this.#sender = new FetchSender({
      clients: CLIENTS,
      maxInFlightPerClient: Math.max(1, Math.ceil(deps.http.maxInFlight / CLIENTS)),
      createClient: deps.createHttpClient,
      fetch: deps.fetch,
      timeoutMs: deps.http.timeoutMs,
      clock: deps.clock,
    });
  }

  /** One attempt; resolves for every answer that a receiver can give. */
  async send(target: Target, message: Message, signal: AbortSignal): Promise<Outcome> {
    const stop = await this.#addressOutcome(target, signal);
    if (stop) return stop;
    const { clock, metaOf } = this.#deps;
    const timestamp = clock.now();
    const body = renderWebhook(message, target, { timestamp });
    if (body === undefined) return { kind: "rejected", reason: "the message is too large" };
    const { subscriptionId } = target;
    const meta = subscriptionId === undefined ? undefined : await metaOf(subscriptionId);
    const own = authorizationIn(meta);
    const authorization = own ?? authorizationOf(this.options);
    const result = await this.#sender.post(target.token, {
      headers: {
        "content-type": "application/json; charset=UTF-8",
        [LOOP_HEADER]: "1",
        ...authorization !== undefined && { authorization },
        ...this.#signature(body, timestamp),
      },
      body,
      signal,
    });
    return result.kind === "failed"
      ? readWebhookFailure(result)
      : readWebhookAnswer(result, { nowMs: timestamp, ownCredential: own !== undefined });
  }

  preview(target: Target, message: Message): MessagePreview {
    return previewWebhook(message, target, { timestamp: this.#deps.clock.now() });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#sender[Symbol.asyncDispose]();
  }

  /** The configuration may have changed since it was subscribed, and a name's addresses too. */
  async #addressOutcome(target: Target, signal: AbortSignal): Promise<Outcome | undefined> {
    const address = webhookAddress(this.options, target.token);
    if (!address.ok) return { kind: "rejected", reason: address.reason };
    const { settingsOf, resolve } = this.#deps;
    const { enabledIds, httpsOnly } = await settingsOf(target);
    if (!enabledIds.includes(target.client)) {
      return { kind: "rejected", reason: "the webhook is not among the user's enabledIds" };
    }
    const rules = { httpsOnly, allowLocal: this.http.allowLocal };
    const fault = addressFault(address.uri, rules);
    if (fault) return { kind: "rejected", reason: fault };
    if (rules.allowLocal) return undefined;
    try {
      const { hostname } = new URL(address.uri);
      const reason = await resolvedFault(hostname, (name) => resolve(name, signal));
      return reason ? { kind: "rejected", reason: `the address: ${reason}` } : undefined;
    } catch {
      return { kind: "retry", reason: "the host of the address does not resolve" };
    }
  }

  #signature(body: string, timestamp: number): Readonly<Record<string, string>> {
    const { signatureSecret, signatureHeaderName, version } = this.options;
    if (signatureSecret === undefined || signatureHeaderName === undefined) return {};
    const signed = { version, timestamp, body };
    return { [signatureHeaderName]: webhookSignatureHeader(signatureSecret, signed) };
  }
}

function authorizationOf(
  { webhookSecret, login, password }: WebhookOptions,
): string | undefined {
  if (webhookSecret !== undefined) return webhookSecret;
  return login !== undefined && password !== undefined ? basic(login, password) : undefined;
}

/** What the subscription overrides the configured credential with. */
function authorizationIn(meta: JsonObject | undefined): string | undefined {
  const text = (name: string) => {
    const value = meta?.[name];
    return typeof value === "string" ? value.trim() : "";
  };
  const authorization = text("authorization");
  if (/^[\x20-\x7e]+$/.test(authorization)) return authorization;
  const login = text("login") || text("username");
  const password = text("password");
  return login !== "" && password !== "" ? basic(login, password) : undefined;
}

function basic(login: string, password: string): string {
  return `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`;
}
