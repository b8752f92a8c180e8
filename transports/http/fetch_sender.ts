/**
 * Calls one provider through a few HTTP clients of the runtime. It limits the requests in flight
 * per connection (the runtime leaves Nagle's algorithm on, which stalls beyond about sixty) and
 * adds connections while all are full because the provider is slow. A new connection sends one
 * request alone first: before its SETTINGS are read, the provider may refuse the others. It
 * replaces a connection that stops answering, and returns failures as values. It neither retries
 * nor interprets a status.
 */

import type { Clock } from "../../core/clock.ts";
import { type Deadline, Deadlines } from "../../core/deadlines.ts";
import { ABORTED, ABORTED_UNSENT, timeoutFailure } from "./failures.ts";
import { classifyFetchFault } from "./fetch_faults.ts";
import type { HttpRequest, HttpResult, HttpSender } from "./http_sender.ts";

/** Limits and dependencies of {@link FetchSender}. */
export interface FetchSenderOptions {
  /** Clients, and so connections per host. */
  readonly clients: number;
  /** The most clients, added one by one while requests wait. @default {clients} */
  readonly maxClients?: number;
  /** While this returns true, no clients are added. @default {() => false} */
  readonly isCpuBound?: () => boolean;
  readonly maxInFlightPerClient: number;
  /** Called for each client, and again where one is replaced; the sender closes them. */
  readonly createClient: () => Deno.HttpClient;
  readonly fetch: typeof fetch;
  /** Milliseconds from sending a request to its whole answer; waiting does not count. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether a new connection sends one request alone first. Only for a sender to one host. */
  readonly warmUp?: boolean;
}

interface Connection {
  readonly client: Deno.HttpClient;
  inFlight: number;
  /** Whether the connection has had an answer. */
  warm: boolean;
  /** Requests in a row that timed out or were aborted. */
  unanswered: number;
  retired: boolean;
}

type Waiter = (connection: Connection | undefined) => void;

const UNANSWERED_UNTIL_REPLACED = 3;

/** A few connections to one provider with one credential. */
export class FetchSender implements HttpSender {
  readonly #options: FetchSenderOptions;
  readonly #connections: Connection[];
  /** In the order of arrival. */
  readonly #waiting = new Set<Waiter>();
  readonly #deadlines: Deadlines;
  #lastEither:
    | { readonly deadline: Deadline; readonly signal: AbortSignal; readonly both: AbortSignal }
    | undefined;
  #next = 0;
  #inFlight = 0;
  #closed: PromiseWithResolvers<void> | undefined;

  /** @throws what `createClient` throws, e.g. for a key that does not match its certificate. */
  constructor(options: FetchSenderOptions) {
    this.#options = options;
    this.#deadlines = new Deadlines(options.clock);
    this.#connections = [];
    try {
      while (this.#connections.length < options.clients) this.#connections.push(this.#open());
    } catch (error) {
      for (const { client } of this.#connections) client.close();
      throw error;
    }
  }

  async post(url: string, request: HttpRequest): Promise<HttpResult> {
    const connection = this.#take() ?? await this.#wait(request.signal);
    if (!connection) return ABORTED_UNSENT;
    const result = await this.#exchange(connection.client, url, request);
    this.#release(connection, result);
    return result;
  }

  renew(): void {
    this.#connections.forEach((_, index) => this.#replace(index));
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#closed = Promise.withResolvers();
      for (const waiter of [...this.#waiting]) waiter(undefined);
      this.#connections.forEach(retire);
      if (this.#inFlight === 0) this.#closed.resolve();
    }
    return this.#closed.promise;
  }

  #open(): Connection {
    const client = this.#options.createClient();
    return { client, inFlight: 0, warm: !this.#options.warmUp, unanswered: 0, retired: false };
  }

  #take(): Connection | undefined {
    if (this.#closed) return undefined;
    const connection = this.#leastLoaded() ?? this.#grow();
    if (connection) {
      connection.inFlight++;
      this.#inFlight++;
    }
    return connection;
  }

  /** Starts at another connection each time, so that equally loaded ones share the work. */
  #leastLoaded(): Connection | undefined {
    const count = this.#connections.length;
    let best: Connection | undefined;
    for (let step = 0; step < count; step++) {
      const connection = this.#connections[(this.#next + step) % count]!;
      const limit = connection.warm ? this.#options.maxInFlightPerClient : 1;
      if (connection.inFlight < limit && connection.inFlight < (best?.inFlight ?? Infinity)) {
        best = connection;
      }
    }
    this.#next = (this.#next + 1) % count;
    return best;
  }

  /** Adds a connection, unless the last one is still being opened. */
  #grow(): Connection | undefined {
    const { clients, maxClients = clients, isCpuBound } = this.#options;
    const opening = this.#connections.some(({ warm }) => !warm);
    if (opening || this.#connections.length >= maxClients || isCpuBound?.()) return undefined;
    const connection = this.#open();
    this.#connections.push(connection);
    return connection;
  }

  #wait(signal: AbortSignal): Promise<Connection | undefined> {
    if (signal.aborted || this.#closed) return Promise.resolve(undefined);
    const waiting = this.#waiting;
    return new Promise((resolve) => {
      const abort = () => waiter(undefined);
      function waiter(connection: Connection | undefined) {
        waiting.delete(waiter);
        signal.removeEventListener("abort", abort);
        resolve(connection);
      }
      waiting.add(waiter);
      signal.addEventListener("abort", abort, { once: true });
    });
  }

  async #exchange(
    client: Deno.HttpClient,
    url: string,
    { headers, commonHeaders, body, signal, ignoreSuccessBody = false }: HttpRequest,
  ): Promise<HttpResult> {
    const { timeoutMs } = this.#options;
    if (signal.aborted) return ABORTED_UNSENT;
    const deadline = this.#deadlines.start(timeoutMs);
    try {
      const response = await this.#options.fetch(url, {
        method: "POST",
        headers: commonHeaders ? { ...commonHeaders, ...headers } : headers,
        body,
        client,
        redirect: "manual",
        signal: this.#either(deadline, signal),
      });
      const text = await readText(response, { ignore: ignoreSuccessBody && response.ok });
      return { kind: "reply", status: response.status, headers: response.headers, text };
    } catch (error) {
      if (signal.aborted) return ABORTED;
      if (deadline.signal.aborted) return timeoutFailure(timeoutMs);
      return classifyFetchFault(error);
    } finally {
      this.#deadlines.end(deadline);
    }
  }

  /** Creates one signal for all requests that share both. */
  #either(deadline: Deadline, signal: AbortSignal): AbortSignal {
    let either = this.#lastEither;
    if (either?.deadline !== deadline || either.signal !== signal) {
      either = { deadline, signal, both: AbortSignal.any([deadline.signal, signal]) };
      this.#lastEither = either;
    }
    return either.both;
  }

  #release(connection: Connection, result: HttpResult): void {
    connection.inFlight--;
    this.#inFlight--;
    if (connection.retired) closeIfIdle(connection);
    else this.#learn(connection, result);
    this.#admit();
    if (this.#inFlight === 0) this.#closed?.resolve();
  }

  #learn(connection: Connection, result: HttpResult): void {
    if (result.kind === "reply") {
      connection.warm = true;
      connection.unanswered = 0;
    } else if (result.fault === "timeout" || result.fault === "aborted") {
      // Callers have shorter deadlines, which end most requests that hang. An abort ends the stream
      // only: the dead connection would stay in the runtime's pool.
      if (result.sent === "no" || ++connection.unanswered < UNANSWERED_UNTIL_REPLACED) return;
      this.#replace(this.#connections.indexOf(connection));
    } else {
      // The client opens another connection for its next request.
      connection.warm = !this.#options.warmUp;
    }
  }

  #admit(): void {
    for (const waiter of this.#waiting) {
      const connection = this.#take();
      if (!connection) return;
      waiter(connection);
    }
  }

  #replace(index: number): void {
    if (this.#closed) return;
    retire(this.#connections[index]!);
    this.#connections[index] = this.#open();
  }
}

function retire(connection: Connection): void {
  connection.retired = true;
  closeIfIdle(connection);
}

function closeIfIdle(connection: Connection): void {
  if (connection.inFlight === 0) connection.client.close();
}

/** Providers answer with a few hundred bytes; a proxy's error page may have any size. */
const MAX_TEXT_BYTES = 8 * 1024;

/** Returns the first 8 KiB of the body as text. It cancels a longer body and one to be ignored. */
async function readText(
  response: Response,
  { ignore = false }: { readonly ignore?: boolean } = {},
): Promise<string> {
  if (!response.body) return "";
  if (ignore) {
    await response.body.cancel();
    return "";
  }
  const decoder = new TextDecoder();
  let room = MAX_TEXT_BYTES;
  let text = "";
  for await (const chunk of response.body) {
    text += decoder.decode(chunk.subarray(0, room), { stream: true });
    room -= chunk.length;
    // Leaving the loop cancels the body.
    if (room <= 0) break;
  }
  return text + decoder.decode();
}
