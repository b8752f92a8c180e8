/**
 * Looks at the receivers in `webhooks.yml`: their addresses by the rules of the transport, their
 * secrets and, where that was asked for, whether they answer. They are asked with `OPTIONS`, which is
 * safe by RFC 9110 §9.2.1, without a credential and without a body: no receiver takes that for a
 * notification, and any answer shows that name, network, TLS and server are there.
 */

import { serverValue } from "../../cascade/settings.ts";
import { addressFault } from "../../transports/webhook/uri_rules.ts";
import type { WebhookOptions } from "../../transports/webhook/settings.ts";
import { classifyFetchFault } from "../../transports/http/fetch_faults.ts";
import { resolvedFault, type ResolveHost } from "../../transports/http/public_address.ts";
import type { WebhookAnswer, WebhookFacts } from "../facts.ts";
import type { ReadConfiguration } from "./configuration.ts";

/** What probing takes. */
interface WebhookProbeOptions {
  readonly fetch: typeof globalThis.fetch;
  readonly resolve: ResolveHost;
  readonly dryRun: boolean;
}

const TIMEOUT_MS = 10_000;
const ENABLED_IDS = "com.openexchange.webhooks.enabledIds";

/** Probes all receivers but the one that is this service itself. */
export async function probeWebhooks(
  { built, clients }: Pick<ReadConfiguration, "built" | "clients">,
  options: WebhookProbeOptions,
): Promise<readonly WebhookFacts[]> {
  if (!built.ok) return [];
  const { server, contextSets, settings } = built.configuration;
  const enabled = new Set([
    ...serverValue(server, ENABLED_IDS),
    ...contextSets.flatMap(({ settings }) =>
      [...settings.values()].filter(({ key }) => key === ENABLED_IDS)
        .flatMap(({ value }) => value as readonly string[])
    ),
  ]);
  const rules = {
    httpsOnly: serverValue(server, "com.openexchange.pns.transport.webhooks.httpsOnly"),
    allowLocal: settings.webhooks.allowLocal,
  };
  const receivers = clients.webhook.clients as ReadonlyMap<string, WebhookOptions>;
  return await Promise.all(
    [...receivers].filter(([client]) => !settings.webhookIn.ids.includes(client))
      .map(async ([client, entry]): Promise<WebhookFacts> => ({
        ...{ client, isEnabled: enabled.has(client), ...secretFacts(entry) },
        ...entry.uri !== undefined && await addressFacts(entry.uri, { ...options, ...rules }),
      })),
  );
}

function secretFacts(
  { webhookSecret, login, password, signatureSecret, signatureHeaderName }: WebhookOptions,
): Pick<WebhookFacts, "isAuthenticated" | "missing" | "shortestSecret"> {
  const pairs = [
    ["login", login, "password", password],
    ["signatureSecret", signatureSecret, "signatureHeaderName", signatureHeaderName],
  ] as const;
  const missing = pairs.flatMap(([first, one, second, other]) => {
    if ((one === undefined) === (other === undefined)) return [];
    return [one === undefined ? first : second];
  });
  const secrets = [webhookSecret?.replace(/^(?:Basic|Bearer) +/i, ""), password, signatureSecret]
    .filter((secret) => secret !== undefined);
  return {
    isAuthenticated: secrets.length > 0,
    missing,
    ...secrets.length > 0 && { shortestSecret: Math.min(...secrets.map(({ length }) => length)) },
  };
}

async function addressFacts(
  uri: string,
  { httpsOnly, allowLocal, ...options }: WebhookProbeOptions & {
    readonly httpsOnly: boolean;
    readonly allowLocal: boolean;
  },
): Promise<Pick<WebhookFacts, "origin" | "addressFault" | "answer">> {
  const { origin, hostname } = new URL(uri);
  const fault = addressFault(uri, { httpsOnly, allowLocal });
  if (fault !== undefined) return { origin, addressFault: fault };
  if (!options.dryRun) return { origin };
  try {
    const refused = allowLocal ? undefined : await resolvedFault(hostname, options.resolve);
    if (refused !== undefined) return { origin, addressFault: `the address: ${refused}` };
  } catch {
    return { origin, answer: { fault: "its host does not resolve" } };
  }
  return { origin, answer: await ask(uri, options) };
}

async function ask(
  uri: string,
  { fetch }: Pick<WebhookProbeOptions, "fetch">,
): Promise<WebhookAnswer> {
  try {
    const response = await fetch(uri, {
      method: "OPTIONS",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return { status: response.status };
  } catch (thrown) {
    const isLate = thrown instanceof DOMException && thrown.name === "TimeoutError";
    const fault = isLate
      ? `no answer within ${TIMEOUT_MS / 1000} s`
      : classifyFetchFault(thrown).reason;
    return { fault };
  }
}
