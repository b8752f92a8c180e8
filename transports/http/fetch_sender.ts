/**
 * Calls one provider over a few HTTP clients. It keeps the requests in flight per connection low
 * (the runtime leaves Nagle's algorithm on, which stalls beyond about sixty) and adds connections
 * while all are full and it is the far side that takes its time. It sends the first request on each
 * new connection alone (before its SETTINGS are read, the far side may refuse the rest), replaces a
 * connection that no longer answers, and turns all trouble into values. It neither retries nor knows
 * what a status means.
 */

import type { Clock } from "../../core/clock.ts";
import { type Deadline, Deadlines } from "../../core/deadlines.ts";
import { classifyFetchFault } from "./fetch_faults.ts";
import type { HttpFailure, HttpResult } from "./http_result.ts";
import type { HttpRequest, HttpSender } from "./http_sender.ts";

/** Settings of {@link FetchSender}. */
export interface FetchSenderOptions {
  /** Clients, and so connections per host, to spread requests over. */
  readonly clients: number;
  /**
   * How many they may become, one after the other, while requests have to wait for a place.
   * @default {clients}
   */
  readonly maxClients?: number;
  /** While it says so, more clients would only cost more. @default {() => false} */
  readonly isCpuBound?: () => boolean;
  readonly maxInFlightPerClient: number;
  /** Called once per client, again where one is replaced; the pool closes what it made. */
  readonly createClient: () => Deno.HttpClient;
  readonly fetch: typeof fetch;
  /** Milliseconds from sending a request to its whole answer; waiting for a place is not counted. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Whether a connection takes one request alone before the others. For one host per pool only. */
  readonly warmUp: boolean;
}

interface Connection {
  readonly client: Deno.HttpClient;
  inFlight: number;
  /** Whether the far side has answered since the connection was opened. */
  warm: boolean;
  /** Requests in a row that timed out or were given up. */
  unanswered: number;
  retired: boolean;
}

type Waiter = (connection: Connection | undefined) => void;

const UNANSWERED_UNTIL_REPLACED = 3;

/** A few connections to one provider with one credential. */
export class FetchSender implements HttpSender {
  readonly #options: FetchSenderOptions;
  readonly #connections: Connection[];
  /** In order of arrival. */
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
    if (!connection) {
      return failure("aborted", { sent: "no", reason: "given up before it was sent" });
    }
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

  /** The turn moves on with each request, so that equally loaded connections share the work. */
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

  /** One more connection, unless the last one is still on its way. */
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
    { headers, body, signal, ignoreSuccessBody = false }: HttpRequest,
  ): Promise<HttpResult> {
    const { timeoutMs } = this.#options;
    if (signal.aborted) {
      return failure("aborted", { sent: "no", reason: "given up before it was sent" });
    }
    const deadline = this.#deadlines.start(timeoutMs);
    try {
      const response = await this.#options.fetch(url, {
        method: "POST",
        headers,
        body,
        client,
        redirect: "manual",
        signal: this.#either(deadline, signal),
      });
      const text = await readText(response, { ignore: ignoreSuccessBody && response.ok });
      return { kind: "reply", status: response.status, headers: response.headers, text };
    } catch (error) {
      if (signal.aborted) return failure("aborted", { sent: "unknown", reason: "given up" });
      if (deadline.signal.aborted) {
        return failure("timeout", { sent: "unknown", reason: `no answer within ${timeoutMs} ms` });
      }
      return classifyFetchFault(error);
    } finally {
      this.#deadlines.end(deadline);
    }
  }

  /** Made once for all requests that share both. */
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
      // Callers have deadlines of their own, which end most requests that hang. An abort ends the
      // stream only: the dead connection would stay in the runtime's pool.
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

function failure(
  fault: "timeout" | "aborted",
  { sent, reason }: Pick<HttpFailure, "sent" | "reason">,
): HttpFailure {
  return { kind: "failed", fault, sent, reason };
}

/** Providers answer with a few hundred bytes; an error page of a proxy may be anything. */
const MAX_TEXT_BYTES = 8 * 1024;

/** The first 8 KiB of the body as text. What is longer, or to be ignored, is cancelled instead. */
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
