/** Sends one app's messages to WNS: its connections and access token. */

import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import { AccessTokens, type ClientDeps, type ConfiguredClient } from "../clients/mod.ts";
import { FetchSender, type HostCheck, previewMessage, TOO_LARGE } from "../http/mod.ts";
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
const LEGACY_TOKEN_ADDRESS = "https://login.live.com/accesstoken.srf";
const DEFAULT_LIFETIME_MS = 86_400_000;
/** A token is renewed this long before it ends. */
const MARGIN_MS = 600_000;

/** Creates a client for one package or Entra app. It connects with its first message. */
export function createWnsClient(deps: WnsClientOptions): WnsClient {
  const { options, checkChannel, caCerts, clock, fetch, createHttpClient } = deps;
  const createClient = () => createHttpClient({ caCerts, poolIdleTimeout: IDLE_MS });
  const channels = new FetchSender({
    ...{ createClient, fetch, clock, timeoutMs: TIMEOUT_MS },
    clients: WNS_POOLS,
    maxInFlightPerClient: WNS_MAX_IN_FLIGHT,
  });
  const { address, form } = tokenRequest(options);
  const tokens = new AccessTokens(deps, {
    name: `wns ${form.client_id} ${address}`,
    secret: options.secret,
    ...{ address, form: () => form, createClient },
    defaultLifetimeMs: DEFAULT_LIFETIME_MS,
    marginMs: MARGIN_MS,
  });
  let credentialAccepted = false;

  function send(target: Target, message: Message, signal: AbortSignal): Outcome | Promise<Outcome> {
    const fault = checkChannel(target.token);
    if (fault !== undefined) return { kind: "rejected", reason: `the channel address: ${fault}` };
    const payload = renderWns(message, options.type ?? "toast");
    if (!payload) return TOO_LARGE;
    return tokens.send(async (accessToken) => {
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
      await Promise.all([channels[Symbol.asyncDispose](), tokens[Symbol.asyncDispose]()]);
    },
  };
}

/**
 * Builds the token request of an entry: for Store packages by the older flow, for others by
 * Entra's. The tokens of the two are not interchangeable.
 * https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/wns-overview
 */
export function tokenRequest({ sid, tenant, appid = "", secret, tokenaddress }: WnsOptions) {
  const grant = { grant_type: "client_credentials", client_secret: secret };
  if (sid !== undefined) {
    const id = sid.startsWith("ms-app://") ? sid : `ms-app://${sid}`;
    return {
      address: tokenaddress ?? LEGACY_TOKEN_ADDRESS,
      form: { ...grant, client_id: id, scope: "notify.windows.com" },
    };
  }
  return {
    address: tokenaddress ?? `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`,
    form: { ...grant, client_id: appid, scope: "https://wns.windows.com/.default" },
  };
}
