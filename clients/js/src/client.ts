/**
 * The client of a publisher or a back end: publishes, mints sessions and subscribes. `api` has every
 * operation of the service, typed from its OpenAPI document; the methods add what a caller would
 * otherwise write each time: retries, idempotency keys, batches of any size, and one error.
 */

import createClient, { type Client } from "openapi-fetch";
import { retryingFetch } from "./_retry.ts";
import { CarillonError, errorOf } from "./errors.ts";
import type { components, operations, paths } from "./schema.ts";

/** A notification to publish. */
export type Notification = components["schemas"]["Notification"];
/** What became of a notification. */
export type LedgerRecord = components["schemas"]["LedgerRecord"];
/** A session and its token. */
export type MintedSession =
  operations["mintSession"]["responses"][201]["content"]["application/json"];
/** What to subscribe. */
export type Subscribe = components["schemas"]["Subscribe"];
/** A stored subscription, with the reasons why it gets nothing at present. */
export type Subscribed = components["schemas"]["Subscribed"];

/** How a client is made. */
export interface CarillonOptions {
  /** Address of the service, e.g. `https://push.example.com`. */
  readonly url: string;
  /** API key, JWT or session token; a function is asked before each request. */
  readonly credential: string | (() => string | Promise<string>);
  /** Attempts after the first, where a request can be repeated safely. @default {4} */
  readonly retries?: number;
  /** Milliseconds before the first repetition, at most; doubles each time. @default {250} */
  readonly firstPauseMs?: number;
  /** @default {globalThis.fetch} */
  readonly fetch?: typeof globalThis.fetch;
}

/** How notifications are published. */
export interface PublishOptions {
  /**
   * Names this publish: the service carries out the first request with a key and repeats its answer
   * to the others, for a day. Absent: a random one, which makes the retries of this call safe.
   */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Notifications in one request, and bytes of their JSON; the service takes no more. */
const MAX_BATCH = 1000;
const MAX_BATCH_BYTES = 700_000;

/** A client of one service. Has no connection to close. */
export class Carillon {
  /** Every operation of the API; answers are `{ data, error, response }` and errors do not throw. */
  readonly api: Client<paths>;

  constructor(options: CarillonOptions) {
    const { url, credential, retries = 4, firstPauseMs = 250 } = options;
    const send = options.fetch ?? ((...given: Parameters<typeof fetch>) => fetch(...given));
    this.api = createClient<paths>({
      baseUrl: url.replace(/\/+$/, ""),
      fetch: retryingFetch({ fetch: send, retries, firstPauseMs }),
    });
    this.api.use({
      async onRequest({ request }) {
        const token = typeof credential === "string" ? credential : await credential();
        request.headers.set("authorization", `Bearer ${token}`);
        return request;
      },
      async onResponse({ response }) {
        if (!response.ok) throw await errorOf(response);
      },
      onError({ error }) {
        if (error instanceof CarillonError) return error;
        if (error instanceof DOMException && error.name === "AbortError") return error;
        return new CarillonError(`Cannot reach ${url}: ${textOf(error)}`, {
          ...{ code: "unreachable", status: 0, cause: error },
        });
      },
    });
  }

  /**
   * Publishes one notification, and returns its id once the service has stored it.
   *
   * @throws {CarillonError}
   */
  async publish(notification: Notification, options: PublishOptions = {}): Promise<string> {
    const [id] = await this.#publish(notification, options);
    return id!;
  }

  /**
   * Publishes any number of notifications and returns their ids in order. More than one request is
   * needed beyond 1,000 notifications or 700 kB; each request is carried out as a whole or not at
   * all, and a call that is repeated with the same key publishes nothing twice.
   *
   * @throws {CarillonError} for the first request that failed; those before it are published
   */
  async publishBatch(
    notifications: readonly Notification[],
    { idempotencyKey = crypto.randomUUID(), ...options }: PublishOptions = {},
  ): Promise<readonly string[]> {
    const ids: string[] = [];
    let part = 0;
    for (const batch of batchesOf(notifications)) {
      const key = part === 0 ? idempotencyKey : `${idempotencyKey}.${part}`;
      part++;
      ids.push(
        ...await this.#publish({ notifications: batch }, { ...options, idempotencyKey: key }),
      );
    }
    return ids;
  }

  /**
   * Returns what became of a notification, per client and transport.
   *
   * @throws {CarillonError} `not_found`
   */
  async notification(id: string): Promise<LedgerRecord> {
    const { data } = await this.api.GET("/v1/notifications/{id}", { params: { path: { id } } });
    return data!;
  }

  /**
   * Mints a session token, with which a page or an app acts for this user only.
   *
   * @param options.ttl seconds; a day where absent
   * @throws {CarillonError}
   */
  async mintSession(
    owner: { readonly context: string | number; readonly user: string | number },
    { ttl, client }: { readonly ttl?: number; readonly client?: string } = {},
  ): Promise<MintedSession> {
    const { data } = await this.api.POST("/v1/sessions", {
      body: {
        ...owner,
        ...(ttl !== undefined && { ttl }),
        ...(client !== undefined && { client }),
      },
    });
    return data!;
  }

  /**
   * Ends a session and closes its connections.
   *
   * @throws {CarillonError} `not_found`
   */
  async revokeSession(id: string): Promise<void> {
    await this.api.DELETE("/v1/sessions/{id}", { params: { path: { id } } });
  }

  /**
   * Stores a device token or a push subscription with its topics, or replaces its topics.
   *
   * @throws {CarillonError} `invalid_token`, `too_many_subscriptions`
   */
  async subscribe(subscription: Subscribe): Promise<Subscribed> {
    const { data } = await this.api.POST("/v1/subscriptions", { body: subscription });
    return data!;
  }

  /**
   * Removes a subscription.
   *
   * @throws {CarillonError} `not_found`
   */
  async unsubscribe(id: string): Promise<void> {
    await this.api.DELETE("/v1/subscriptions/{id}", { params: { path: { id } } });
  }

  async #publish(
    body: Notification | { notifications: Notification[] },
    { idempotencyKey = crypto.randomUUID(), signal }: PublishOptions,
  ): Promise<readonly string[]> {
    const { data } = await this.api.POST("/v1/notifications", {
      body,
      params: { header: { "idempotency-key": idempotencyKey } },
      ...(signal && { signal }),
    });
    return data!.ids;
  }
}

function* batchesOf(notifications: readonly Notification[]): Generator<Notification[]> {
  let batch: Notification[] = [];
  let bytes = 0;
  for (const notification of notifications) {
    const size = new TextEncoder().encode(JSON.stringify(notification)).length + 1;
    if (batch.length > 0 && (batch.length >= MAX_BATCH || bytes + size > MAX_BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(notification);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
