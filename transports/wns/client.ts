/** Sends one app's messages to WNS: its connections and access token. */

import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import {
  type ClientDeps,
  type ConfiguredClient,
  createAccessTokenCache,
  withAccessToken,
} from "../clients/mod.ts";
import { FetchSender, type HostCheck, previewMessage } from "../http/mod.ts";
import { requestWnsToken, tokenRequest } from "./access_token.ts";
import { readWnsAnswer, readWnsFailure } from "./answers.ts";
import { wnsHeaders } from "./headers.ts";
import { renderWns, WNS_MAX_BYTES } from "./payload.ts";
import type { WnsOptions } from "./settings.ts";

interface WnsClientOptions extends ClientDeps {
  readonly options: WnsOptions;
  readonly checkChannel: HostCheck;
  readonly caCerts: string[];
}

/** A client that also checks channel addresses. */
export interface WnsClient extends ConfiguredClient {
  readonly checkChannel: HostCheck;
}

/** HTTP clients per app; each connects to as many hosts as the channels name. */
export const WNS_POOLS = 2;
/** Requests in flight per HTTP client and host. */
export const WNS_MAX_IN_FLIGHT = 20;
const IDLE_MS = 60_000;
const TIMEOUT_MS = 15_000;
/** A token is renewed this long before it ends. */
const MARGIN_MS = 600_000;

/** Creates a client for one package or Entra app. It connects with its first message. */
export function createWnsClient(deps: WnsClientOptions): WnsClient {
  const { options, checkChannel, caCerts, clock, fetch, createHttpClient } = deps;
  const shared = {
    createClient: () => createHttpClient({ caCerts, poolIdleTimeout: IDLE_MS }),
    fetch,
    clock,
    timeoutMs: TIMEOUT_MS,
    warmUp: false,
  };
  const channels = new FetchSender({
    ...shared,
    clients: WNS_POOLS,
    maxInFlightPerClient: WNS_MAX_IN_FLIGHT,
  });
  const tokenPool = new FetchSender({ ...shared, clients: 1, maxInFlightPerClient: 1 });
  const request = tokenRequest(options);
  const tokens = createAccessTokenCache({
    name: `wns ${request.form.client_id} ${request.address}`,
    secret: options.secret,
    clock,
    sharedTokens: deps.sharedTokens,
    marginMs: MARGIN_MS,
    request: () => requestWnsToken(request, { pool: tokenPool, clock }),
  });
  let credentialAccepted = false;

  function send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome> {
    const fault = checkChannel(target.token);
    if (fault !== undefined) return { kind: "rejected", reason: `the channel address: ${fault}` };
    const payload = renderWns(message, options.type ?? "toast");
    if (!payload) {
      return { kind: "rejected", reason: "the message is too large even without its texts" };
    }
    return withAccessToken(tokens, async (accessToken) => {
      const headers = wnsHeaders(message, { type: payload.type, nowMs: clock.now(), accessToken });
      const result = await channels.post(target.token, { headers, body: payload.body, signal });
      if (result.kind === "failed") return readWnsFailure(result);
      const outcome = readWnsAnswer(result, { nowMs: clock.now(), credentialAccepted });
      if (outcome.kind === "sent") credentialAccepted = true;
      return outcome;
    });
  }

  return {
    send,
    preview: (_target, message) =>
      previewMessage(message, {
        maxBytes: WNS_MAX_BYTES,
        render: (onFit) => renderWns(message, options.type ?? "toast", onFit)?.body,
      }),
    checkChannel,
    async [Symbol.asyncDispose]() {
      await Promise.all([channels[Symbol.asyncDispose](), tokenPool[Symbol.asyncDispose]()]);
    },
  };
}
