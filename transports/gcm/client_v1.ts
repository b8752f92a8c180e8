/** Sends one app's messages through FCM's HTTP v1 API: its connections and access token. */

import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import { createFetchEngine, type HttpEngine, TOO_LARGE } from "../http/mod.ts";
import { readGcmFailure } from "./answers_failed.ts";
import { readFcmAnswer } from "./answers_v1.ts";
import { AccessTokens, type ClientDeps, type ConfiguredClient } from "../clients/mod.ts";
import { GCM_IDLE_MS, GCM_TIMEOUT_MS } from "./_limits.ts";
import { createGcmPreview } from "./_render.ts";
import { renderV1 } from "./payload_v1.ts";
import { type ServiceAccount, signAssertion } from "./service_account.ts";

interface V1ClientOptions extends ClientDeps {
  readonly account: ServiceAccount;
  readonly address: string;
  readonly tokenAddress: string;
  readonly caCerts: string[];
  /** Calls the API; `fetch` requests access tokens. */
  readonly engine: HttpEngine;
}

const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const DEFAULT_LIFETIME_MS = 3_600_000;
/** A token is renewed this long before it ends. */
const MARGIN_MS = 300_000;
const NO_OTHERS = {};

/** Creates a client for one service account. It connects with its first message. */
export function createV1Client(options: V1ClientOptions): ConfiguredClient {
  const { account, caCerts, clock, createHttpClient, tokenAddress } = options;
  const url = new URL(sendAddress(options));
  // Only a fake on loopback speaks plain HTTP, which engines need not support.
  const engine = url.protocol === "https:"
    ? options.engine
    : createFetchEngine({ fetch: options.fetch, createHttpClient, clock });
  const api = engine.open({
    ...{ origin: url.origin, caCerts, timeoutMs: GCM_TIMEOUT_MS, idleTimeoutMs: GCM_IDLE_MS },
  });
  const tokens = new AccessTokens(options, {
    name: `gcm ${account.email} ${tokenAddress}`,
    secret: account.keyDigest,
    address: tokenAddress,
    form: async () => ({
      grant_type: GRANT,
      assertion: await signAssertion(account, clock.now()),
    }),
    defaultLifetimeMs: DEFAULT_LIFETIME_MS,
    marginMs: MARGIN_MS,
    createClient: () => createHttpClient({ caCerts }),
  });

  const { href } = url;
  let last = { accessToken: "", headers: {} };

  /** Returns the same object until the token changes. */
  function headersWith(accessToken: string): Readonly<Record<string, string>> {
    if (accessToken !== last.accessToken) {
      const authorization = `Bearer ${accessToken}`;
      last = { accessToken, headers: { authorization, "content-type": "application/json" } };
    }
    return last.headers;
  }

  function send(
    { token }: Target,
    message: Message,
    signal: AbortSignal,
  ): Outcome | Promise<Outcome> {
    const body = renderV1(message, { token, nowMs: clock.now() });
    if (body === undefined) return TOO_LARGE;
    return tokens.send(async (accessToken) => {
      const commonHeaders = headersWith(accessToken);
      const result = await api.post(href, { headers: NO_OTHERS, commonHeaders, body, signal });
      return result.kind === "failed" ? readGcmFailure(result) : readFcmAnswer(result, clock.now());
    });
  }

  return {
    send,
    preview: createGcmPreview(renderV1, { clock }),
    async [Symbol.asyncDispose]() {
      await Promise.all([api[Symbol.asyncDispose](), tokens[Symbol.asyncDispose]()]);
    },
  };
}

/** The base address may have a path. */
function sendAddress({ address, account }: V1ClientOptions): string {
  return `${address.replace(/\/+$/, "")}/v1/projects/${account.projectId}/messages:send`;
}
