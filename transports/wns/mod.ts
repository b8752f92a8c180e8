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
import type { HostCheck } from "../http/mod.ts";
import { createChannelCheck, parseChannelAddress } from "./channel_address.ts";
import { createWnsClient, WNS_MAX_IN_FLIGHT, WNS_POOLS, type WnsClient } from "./client.ts";
import { WNS_MAX_BYTES } from "./payload.ts";
import type { WnsOptions } from "./settings.ts";

export { type WnsOptions, wnsOptionsSchema } from "./settings.ts";

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
