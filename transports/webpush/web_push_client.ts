/**
 * Sends the messages of one configured client: its VAPID keys, routes and connections. It encrypts
 * and posts a message, and tries another VAPID key where the push service refuses one. It retries
 * nothing else.
 */

import { setNewest } from "../../core/bounded_map.ts";
import type { Clock } from "../../core/clock.ts";
import { ServiceError } from "../../core/errors.ts";
import type { Message } from "../../core/message.ts";
import type { MessagePreview } from "../../core/message_preview.ts";
import { type Outcome, RESUBSCRIBE } from "../../core/outcome.ts";
import type { Target } from "../../core/subscription.ts";
import type { ConfiguredClient } from "../clients/mod.ts";
import { FetchSender } from "../http/mod.ts";
import { readWebPushAnswer, readWebPushFailure, type WebPushRefusal } from "./answers.ts";
import { encrypt } from "./encrypt.ts";
import { type EndpointRoute, type EndpointRouter, WINDOWS_QUEUE } from "./endpoint_hosts.ts";
import { pushHeaders } from "./headers.ts";
import { previewPayload, renderPayload } from "./payload.ts";
import { resolvedFault, type ResolveHost } from "../http/public_address.ts";
import { parsePushSubscription, type PushSubscription } from "./push_subscription.ts";
import type { VapidSigner } from "./vapid.ts";

interface WebPushClientOptions {
  /** The key of new subscriptions first, then the older ones. */
  readonly signers: readonly [VapidSigner, ...VapidSigner[]];
  readonly router: EndpointRouter;
  readonly resolve: ResolveHost;
  readonly createHttpClient: () => Deno.HttpClient;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
}

/** Connections per queue. */
const CONNECTIONS = 2;
/** Requests in flight on one connection; the runtime stalls above some 60. */
const IN_FLIGHT = 40;
/** Sends in flight at once per client. */
export const WEBPUSH_MAX_CONCURRENT = CONNECTIONS * IN_FLIGHT;
const TIMEOUT_MS = 15_000;
const MAX_LEARNED_KEYS = 10_000;

interface Attempt {
  readonly url: URL;
  readonly route: EndpointRoute;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
  readonly refreshedAt: number;
  readonly signal: AbortSignal;
}

/** Sends for one client of the configuration. */
export class WebPushClient implements ConfiguredClient {
  readonly router: EndpointRouter;
  readonly #options: WebPushClientOptions;
  readonly #pools = new Map<string, FetchSender>();
  readonly #refusals = new RefusedCredentials();
  /** By endpoint: the older key that the subscription turned out to belong to. */
  readonly #learned = new Map<string, VapidSigner>();
  #mismatches = 0;

  constructor(options: WebPushClientOptions) {
    this.#options = options;
    this.router = options.router;
  }

  /** The key for new subscriptions, base64url. */
  get publicKey(): string {
    return this.#options.signers[0].publicKey;
  }

  /** Warns the operator that pages subscribe with a key that is not configured here. */
  get state(): ConfiguredClient["state"] {
    if (this.#mismatches === 0) return undefined;
    const detail = `${this.#mismatches} messages could not be sent: their subscriptions ` +
      "were made with a key that is neither 'publickey' nor in 'previouskeys'";
    return { detail };
  }

  /** Makes one attempt; resolves for every answer of a push service. */
  async send(target: Target, message: Message, signal: AbortSignal): Promise<Outcome> {
    const subscription = readToken(target.token);
    if (typeof subscription === "string") return { kind: "rejected", reason: subscription };
    const route = this.router(subscription.endpoint);
    if (typeof route === "string") return { kind: "rejected", reason: `the endpoint: ${route}` };
    if (route.trust === "public") {
      const stop = await this.#addressFault(subscription.endpoint, signal);
      if (stop) return stop;
    }
    const plaintext = renderPayload(message);
    if (!plaintext) return { kind: "rejected", reason: "the message is too large" };
    const nowMs = this.#options.clock.now();
    const isWindows = route.queue === WINDOWS_QUEUE;
    const headers = pushHeaders(message, { nowMs, isWindows });
    const body = await encrypt(plaintext, subscription);
    const { endpoint: url } = subscription;
    const { refreshedAt } = target;
    const attempt = { url, route, headers, body, refreshedAt, signal };
    const signers = this.#signersFor(subscription);
    if (signers.length === 0) return await this.#postWithWrongKey(attempt);
    return await this.#post(signers, attempt);
  }

  /** Renders a message for operators as it is before its encryption. */
  preview(_target: Target, message: Message): MessagePreview {
    return previewPayload(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool[Symbol.asyncDispose]()));
  }

  /** Tries one key after the other for as long as the push service reports a mismatch. */
  async #post(signers: readonly VapidSigner[], attempt: Attempt): Promise<Outcome> {
    const { route } = attempt;
    for (const signer of signers) {
      const answer = await this.#authorized(signer, attempt);
      if (answer.kind === "refused") return this.#refusals.refused(route, answer.reason);
      if (answer.kind !== "mismatch") {
        if (answer.kind === "sent") {
          this.#refusals.accepted(route);
          this.#learn(attempt.url.href, signer);
        }
        return answer;
      }
    }
    return this.#mismatched();
  }

  /**
   * For a subscription whose key is not configured. No key can match, but the push service still
   * says whether the subscription exists.
   */
  async #postWithWrongKey(attempt: Attempt): Promise<Outcome> {
    const answer = await this.#authorized(this.#options.signers[0], attempt);
    return answer.kind === "refused" || answer.kind === "mismatch" ? this.#mismatched() : answer;
  }

  /** Keeps the subscription: the operator may still add its key. */
  #mismatched(): Outcome {
    this.#mismatches++;
    return { kind: "rejected", reason: RESUBSCRIBE };
  }

  /** Resends with a new token where the refused one is old enough for that to help. */
  async #authorized(signer: VapidSigner, attempt: Attempt): Promise<Outcome | WebPushRefusal> {
    const { origin } = attempt.url;
    const authorization = await signer.authorization(origin);
    const answer = await this.#exchange(authorization, attempt);
    if (answer.kind !== "refused" || !signer.invalidate(origin, authorization)) return answer;
    return await this.#exchange(await signer.authorization(origin), attempt);
  }

  async #exchange(authorization: string, attempt: Attempt): Promise<Outcome | WebPushRefusal> {
    const { url, route, headers, body, refreshedAt, signal } = attempt;
    const result = await this.#poolOf(route).post(url.href, {
      headers: { ...headers, authorization },
      body,
      signal,
    });
    const { trust } = route;
    return result.kind === "failed"
      ? readWebPushFailure(result, { trust })
      : readWebPushAnswer(result, { nowMs: this.#options.clock.now(), refreshedAt, trust });
  }

  #poolOf({ queue, oneHost }: EndpointRoute): FetchSender {
    const { createHttpClient, fetch, clock } = this.#options;
    return this.#pools.getOrInsertComputed(queue, () =>
      new FetchSender({
        clients: CONNECTIONS,
        maxInFlightPerClient: IN_FLIGHT,
        createClient: createHttpClient,
        fetch,
        timeoutMs: TIMEOUT_MS,
        clock,
        warmUp: oneHost,
      }));
  }

  async #addressFault({ hostname }: URL, signal: AbortSignal): Promise<Outcome | undefined> {
    try {
      const reason = await resolvedFault(hostname, (name) => this.#options.resolve(name, signal));
      return reason ? { kind: "rejected", reason: `the endpoint: ${reason}` } : undefined;
    } catch {
      return { kind: "retry", reason: "the endpoint's host does not resolve" };
    }
  }

  #signersFor({ endpoint, applicationServerKey }: PushSubscription): readonly VapidSigner[] {
    const { signers } = this.#options;
    if (applicationServerKey !== undefined) {
      return signers.filter(({ publicKey }) => publicKey === applicationServerKey);
    }
    const learned = this.#learned.get(endpoint.href);
    return learned ? [learned, ...signers.filter((signer) => signer !== learned)] : signers;
  }

  #learn(endpoint: string, signer: VapidSigner): void {
    if (signer === this.#options.signers[0]) this.#learned.delete(endpoint);
    else setNewest(this.#learned, endpoint, { value: signer, max: MAX_LEARNED_KEYS });
  }
}

function readToken(token: string): PushSubscription | string {
  try {
    return parsePushSubscription(token);
  } catch (error) {
    if (error instanceof ServiceError) return error.message;
    throw error;
  }
}

/** Refusals in a row after which the credential counts as wrong even where it worked before. */
const MAX_REFUSALS = 10;
const REFUSED_WAIT_MS = 60_000;

/**
 * Decides whether a refused credential is our fault or concerns one subscription only. A push
 * service that accepted the credential before is unlikely to refuse it for everyone, and one odd
 * subscription must not stop the client's other users.
 */
class RefusedCredentials {
  /** By queue: refusals since the last acceptance. Absent: never accepted. */
  readonly #refusals = new Map<string, number>();

  accepted({ queue, trust }: EndpointRoute): void {
    if (trust !== "public") this.#refusals.set(queue, 0);
  }

  /** Returns the outcome of a message whose credential was refused. */
  refused({ queue, trust }: EndpointRoute, reason: string): Outcome {
    // Anyone may run such a host, and could stop the whole client with one answer.
    if (trust === "public") return { kind: "rejected", reason };
    const inARow = this.#refusals.get(queue);
    if (inARow === undefined || inARow + 1 >= MAX_REFUSALS) {
      return { kind: "misconfigured", reason: `${reason}: the VAPID key or subject is refused` };
    }
    this.#refusals.set(queue, inARow + 1);
    return { kind: "retry", reason, afterMs: REFUSED_WAIT_MS };
  }
}
