/**
 * The transport `webpush`, for every browser: encrypted by RFC 8291, signed by RFC 8292, sent by
 * RFC 8030. It makes one attempt and returns the outcome; the pipeline retries and removes
 * subscriptions.
 */

import { ServiceError } from "../../core/errors.ts";
import type { ConfigurableTransport } from "../../core/transport.ts";
import {
  ClientConfigError,
  type ClientDeps,
  ClientSet,
  type PreparedClient,
  readCaFile,
} from "../clients/mod.ts";
import { WEBPUSH_MAX_BYTES } from "./encrypt.ts";
import { createEndpointRouter } from "./endpoint_hosts.ts";
import type { ResolveHost } from "../http/public_address.ts";
import { formatPushSubscription, parsePushSubscription } from "./push_subscription.ts";
import type { WebPushOptions } from "./settings.ts";
import { importVapidKey, VapidSigner } from "./vapid.ts";
import { WEBPUSH_MAX_CONCURRENT, WebPushClient } from "./web_push_client.ts";

export { type WebPushOptions, webPushOptionsSchema } from "./settings.ts";

/** Dependencies of {@link createWebPushTransport}. */
export interface WebPushDeps extends Omit<ClientDeps, "sharedTokens"> {
  /** Resolves host names before a send to "any public host". */
  readonly resolve: ResolveHost;
}

/** The transport, and what pages need in order to subscribe. */
interface WebPushTransport extends ConfigurableTransport<WebPushOptions> {
  /** Returns the VAPID public key for new subscriptions of a client, base64url. */
  publicKey(client: string): string | undefined;
}

/** Creates the transport; it has no clients until it is configured. */
export function createWebPushTransport(deps: WebPushDeps): WebPushTransport {
  const clients = new ClientSet((options: WebPushOptions) => prepare(options, deps));
  // Addresses for a client that is not configured are checked as well.
  const knownHosts = createEndpointRouter();
  const transport = clients.transport({
    name: "webpush",
    traits: { maxPayloadBytes: WEBPUSH_MAX_BYTES, maxConcurrent: WEBPUSH_MAX_CONCURRENT },
    parseAddress(client, raw) {
      const subscription = parsePushSubscription(raw);
      const route = (clients.get(client)?.router ?? knownHosts)(subscription.endpoint);
      if (typeof route === "string") {
        throw new ServiceError("invalid_token", `Cannot use this endpoint for webpush: ${route}`);
      }
      return formatPushSubscription(subscription);
    },
  });
  return { ...transport, publicKey: (client) => clients.get(client)?.publicKey };
}

/** @throws {ClientConfigError} where the entry or one of its files cannot be used. */
async function prepare(
  options: WebPushOptions,
  deps: WebPushDeps,
): Promise<PreparedClient<WebPushClient>> {
  const caCerts = await readCaFile(deps, options.cafile);
  const { previouskeys = [], oldkeys = [], hosts = [], anypublichost = false } = options;
  const { clock, fetch, resolve, createHttpClient } = deps;
  const { subject } = options;
  const current = await readSigner(options, { subject, clock, where: "" });
  const older = await Promise.all(
    Object.entries({ previouskeys, oldkeys }).flatMap(([name, pairs]) =>
      pairs.map((keys, index) => readSigner(keys, { subject, clock, where: `${name}[${index}]: ` }))
    ),
  );
  const router = createEndpointRouter({ hosts, anyPublicHost: anypublichost });
  return {
    fingerprint: JSON.stringify([options, caCerts]),
    environment: anypublichost ? "any public host" : "known push services",
    open: () =>
      new WebPushClient({
        signers: [current, ...older],
        router,
        resolve,
        createHttpClient: () => createHttpClient(caCerts.length > 0 ? { caCerts } : {}),
        fetch,
        clock,
      }),
  };
}

async function readSigner(
  { publickey, privatekey }: Pick<WebPushOptions, "publickey" | "privatekey">,
  { subject, clock, where }: Pick<ClientDeps, "clock"> & {
    readonly subject: string;
    readonly where: string;
  },
): Promise<VapidSigner> {
  const key = await importVapidKey(publickey, privatekey);
  if (!key) throw new ClientConfigError(`${where}'publickey' and 'privatekey' are not one pair`);
  return new VapidSigner({ key, subject, clock });
}
