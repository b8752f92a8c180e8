/** One app's way to FCM's HTTP v1 API: its connections, its access token, and one call. */

import type { Clock } from "../../core/clock.ts";
import type { Message } from "../../core/message.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import { OWN_TOKENS, type SharedTokens } from "../../core/shared_tokens.ts";
import {
  createFetchEngine,
  createSharedMint,
  FetchSender,
  type HttpEngine,
  renewalTime,
  TokenCache,
} from "../http/mod.ts";
import { requestGoogleToken } from "./access_token.ts";
import { readGcmFailure } from "./answers_failed.ts";
import { readAnswerV1 } from "./answers_v1.ts";
import { type ConfiguredClient, withAccessToken } from "../clients/mod.ts";
import { IDLE_MS, TIMEOUT_MS } from "./_limits.ts";
import { renderV1 } from "./payload_v1.ts";
import type { ServiceAccount } from "./service_account.ts";

/** What {@link createV1Client} is made of. */
interface V1ClientOptions {
  readonly account: ServiceAccount;
  /** Base address of the API. */
  readonly address: string;
  readonly tokenAddress: string;
  readonly caCerts: string[];
  readonly clock: Clock;
  /** Calls the API. */
  readonly engine: HttpEngine;
  /** Asks for access tokens. */
  readonly fetch: typeof fetch;
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
  /** Where nodes share access tokens. Absent: this one asks for its own. */
  readonly sharedTokens?: SharedTokens;
}

/** A token is renewed this long before it ends. */
const MARGIN_MS = 300_000;
const BACK_OFF_MS = 10_000;

/** A client that sends for one service account. Connects with its first message. */
export function createV1Client(options: V1ClientOptions): ConfiguredClient {
  const { account, caCerts, clock, createHttpClient, tokenAddress } = options;
  const { sharedTokens = OWN_TOKENS } = options;
  const url = new URL(sendAddress(options));
  // Only a fake on loopback speaks plain HTTP, and engines need not.
  const engine = url.protocol === "https:"
    ? options.engine
    : createFetchEngine({ fetch: options.fetch, createHttpClient, clock });
  const api = engine.open({
    ...{ origin: url.origin, caCerts, timeoutMs: TIMEOUT_MS, idleTimeoutMs: IDLE_MS },
  });
  const tokenPool = new FetchSender({
    fetch: options.fetch,
    clock,
    timeoutMs: TIMEOUT_MS,
    clients: 1,
    maxInFlightPerClient: 1,
    createClient: () => createHttpClient({ caCerts }),
    warmUp: false,
  });
  const tokens = new TokenCache<Outcome>({
    mint: createSharedMint<Outcome>({
      ...{ sharedTokens, clock },
      name: `gcm ${account.email} ${tokenAddress}`,
      secret: account.keyDigest,
      renewAt: (token) => renewalTime(token, { marginMs: MARGIN_MS }),
      mint: () => requestGoogleToken(account, { pool: tokenPool, tokenAddress, clock }),
    }),
    clock,
    marginMs: MARGIN_MS,
    // A refused token is renewed once per message; the second refusal pauses the whole client,
    // which is what bounds the renewals.
    minAgeMs: 0,
    backOffMs: BACK_OFF_MS,
  });

  const { href } = url;
  let last = { accessToken: "", headers: {} };

  /** The same object until the token is another one. */
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
    if (body === undefined) return { kind: "rejected", reason: "Too large even without its texts" };
    return withAccessToken(tokens, async (accessToken) => {
      const result = await api.post(href, { headers: headersWith(accessToken), body, signal });
      return result.kind === "failed" ? readGcmFailure(result) : readAnswerV1(result, clock.now());
    });
  }

  return {
    send,
    async [Symbol.asyncDispose]() {
      await Promise.all([api[Symbol.asyncDispose](), tokenPool[Symbol.asyncDispose]()]);
    },
  };
}

/** The base address may have a path of its own. */
function sendAddress({ address, account }: V1ClientOptions): string {
  return `${address.replace(/\/+$/, "")}/v1/projects/${account.projectId}/messages:send`;
}
