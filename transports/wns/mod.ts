/**
 * The transport `wns`, for Windows. It makes one attempt and returns the outcome; the pipeline
 * retries and removes channels.
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
import { createHostCheck, type HostCheck } from "../http/mod.ts";
import { createWnsClient, WNS_MAX_IN_FLIGHT, WNS_POOLS, type WnsClient } from "./client.ts";
import { WNS_MAX_BYTES } from "./payload.ts";
import type { WnsOptions } from "./settings.ts";

export { type WnsOptions, wnsOptionsSchema } from "./settings.ts";

const HOSTS = ["notify.windows.com", "*.notify.windows.com"];
const MAX_LENGTH = 2048;

/** Creates the transport; it has no clients until it is configured. */
export function createWnsTransport(deps: ClientDeps): ConfigurableTransport<WnsOptions> {
  const clients = new ClientSet((options: WnsOptions) => prepare(options, deps));
  const checkUnconfigured = createChannelCheck();
  return clients.transport({
    name: "wns",
    traits: { maxPayloadBytes: WNS_MAX_BYTES, maxConcurrent: WNS_POOLS * WNS_MAX_IN_FLIGHT },
    parseAddress: (client, raw) =>
      parseChannelAddress(raw, clients.get(client)?.checkChannel ?? checkUnconfigured),
  });
}

/** @throws {ClientConfigError} where the entry or one of its files cannot be used. */
async function prepare(options: WnsOptions, deps: ClientDeps): Promise<PreparedClient<WnsClient>> {
  const caCerts = await readCaFile(deps, options.cafile);
  const checkChannel = channelCheck(options);
  return {
    fingerprint: JSON.stringify([options, caCerts]),
    environment: options.tenant === undefined ? "package" : `Entra tenant ${options.tenant}`,
    open: () => createWnsClient({ ...deps, options, checkChannel, caCerts }),
  };
}

function channelCheck({ hosts }: WnsOptions): HostCheck {
  try {
    return createChannelCheck(hosts);
  } catch (error) {
    if (error instanceof ServiceError) throw new ClientConfigError(error.message);
    throw error;
  }
}

/**
 * Creates a check that returns why a channel address is refused, or `undefined`. Clients supply
 * them, so any host outside Microsoft's domain is refused, when a client subscribes and again
 * before each send.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/firewall-allowlist-config
 */
export function createChannelCheck(moreHosts: readonly string[] = []): HostCheck {
  const checkHost = createHostCheck([...HOSTS, ...moreHosts]);
  return (address) => {
    if (address.length > MAX_LENGTH) return `it has more than ${MAX_LENGTH} characters`;
    if (!/^[\x21-\x7e]+$/.test(address)) {
      return "it contains a character that URLs must not contain";
    }
    return checkHost(address);
  };
}

/**
 * Reads a channel address from a client, in the form that is stored.
 *
 * @throws {ServiceError} `invalid_token`, with the reason.
 */
export function parseChannelAddress(raw: unknown, check: HostCheck): string {
  const fault = typeof raw === "string" ? check(raw) : "it is not a text";
  if (fault === undefined) {
    const url = new URL(raw as string);
    url.hash = "";
    return url.href;
  }
  throw new ServiceError("invalid_token", `Cannot take the channel address: ${fault}`);
}
