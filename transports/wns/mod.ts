/**
 * The transport `wns`, for Windows. It makes one attempt and returns the outcome; the pipeline
 * retries and removes channels.
 */

import type { Clock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { SharedTokens } from "../../core/shared_tokens.ts";
import type { Target } from "../../core/subscription.ts";
import type { ConfigurableTransport } from "../../core/transport.ts";
import {
  ClientConfigError,
  ClientSet,
  type FileAccess,
  type PreparedClient,
  readCaFile,
} from "../clients/mod.ts";
import type { HostCheck } from "../http/mod.ts";
import { createChannelCheck, parseChannelAddress } from "./channel_address.ts";
import { createWnsClient, WNS_MAX_IN_FLIGHT, WNS_POOLS, type WnsClient } from "./client.ts";
import { WNS_MAX_BYTES } from "./payload.ts";
import type { WnsOptions } from "./settings.ts";

export { type WnsOptions, wnsOptionsSchema } from "./settings.ts";

interface WnsDeps extends FileAccess {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  /** Where nodes share access tokens. Absent: this node requests its own. */
  readonly sharedTokens?: SharedTokens;
}

/** Creates the transport; it has no clients until it is configured. */
export function createWnsTransport(deps: WnsDeps): ConfigurableTransport<WnsOptions> {
  const clients = new ClientSet((options: WnsOptions) => prepare(options, deps));
  const checkUnconfigured = createChannelCheck();

  function send(
    target: Target,
    message: Message,
    signal: AbortSignal,
  ): Outcome | Promise<Outcome> {
    const client = clients.get(target.client);
    if (client) return client.send(target, message, signal);
    return { kind: "misconfigured", reason: "the client has no usable wns options" };
  }

  return {
    name: "wns",
    traits: { maxPayloadBytes: WNS_MAX_BYTES, maxConcurrent: WNS_POOLS * WNS_MAX_IN_FLIGHT },
    configure: (options) => clients.configure(options),
    serves: (client) => clients.has(client),
    parseAddress: (client, raw) =>
      parseChannelAddress(raw, clients.get(client)?.checkChannel ?? checkUnconfigured),
    send,
    preview: (target, message) => clients.get(target.client)?.preview(target, message),
    status: () => clients.status(),
    [Symbol.asyncDispose]: () => clients[Symbol.asyncDispose](),
  };
}

/** @throws {ClientConfigError} where the entry or one of its files cannot be used. */
async function prepare(options: WnsOptions, deps: WnsDeps): Promise<PreparedClient<WnsClient>> {
  const caCerts = await readCaFile(deps, options.cafile);
  const checkChannel = channelCheck(options);
  return {
    fingerprint: JSON.stringify([options, caCerts]),
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
