/**
 * Sends requests to one host over HTTP/2 the way APNs and FCM want it: few long-lived connections,
 * as many requests on each as the server allows, another connection only while all are full. It
 * resends a request that the server certainly did not process (REFUSED_STREAM, GOAWAY), detects a
 * dead connection by PING, and replaces one that stops answering.
 */

import { Buffer } from "node:buffer";
import type { Clock, Timer } from "../../core/clock.ts";
import type { HttpFailure, HttpRequest, HttpResult, HttpSender } from "../http/mod.ts";
import { ABORTED, ABORTED_UNSENT, timeoutFailure } from "../http/failures.ts";
import { AbortListeners } from "./_abort_listeners.ts";
import { type ConnectTls, Http2Connection } from "./http2_connection.ts";
import type { Stream, StreamRequest } from "./stream.ts";

interface Http2SenderOptions {
  /** `https://host[:port]` of all requests. */
  readonly origin: string;
  readonly connect: ConnectTls;
  /** The most connections, opened while requests wait. */
  readonly maxConnections: number;
  /** The most requests in flight on a connection, if the server allows as many. */
  readonly maxStreams: number;
  /**
   * Milliseconds from sending a request to its whole answer; waiting for a connection does not
   * count.
   */
  readonly timeoutMs: number;
  /**
   * Milliseconds without a received byte, while an answer is due, before a PING checks the
   * connection. After as long again without an answer it counts as dead.
   */
  readonly silenceMs: number;
  readonly clock: Clock;
}

/** A request that waits or is in flight. */
interface Pending extends StreamRequest {
  readonly signal: AbortSignal;
  readonly resolve: (result: HttpResult) => void;
  readonly reject: (reason: unknown) => void;
  /** How often the server refused it unprocessed. */
  refusals: number;
  connection: Http2Connection | undefined;
  stream: Stream | undefined;
  /** Monotonic milliseconds when it was sent. */
  sentAt: number;
}

const MAX_REFUSALS = 2;
const UNANSWERED_UNTIL_REPLACED = 3;
/** How often timeouts are checked, in parts of the timeout. */
const SWEEPS = 16;

/** A pool of connections to one host. It connects with the first request. */
export class Http2Sender implements HttpSender {
  readonly #options: Http2SenderOptions;
  readonly #authority: string;
  /** Usable connections, oldest first. */
  #connections: Http2Connection[] = [];
  /** Connections that close after their last request. */
  readonly #ending = new Set<Http2Connection>();
  readonly #waiting = new Set<Pending>();
  readonly #abortListeners = new AbortListeners<Pending>((aborted) => this.#onAbort(aborted));
  /** Resolve when their sockets are closed. */
  readonly #open = new Set<Promise<void>>();
  #timer: Timer | undefined;
  #sweptAt = 0;
  #closed: PromiseWithResolvers<void> | undefined;

  constructor(options: Http2SenderOptions) {
    this.#options = options;
    this.#authority = new URL(options.origin).host;
  }

  /**
   * @throws {TypeError} for a URL of another origin; rejects with one for a header that cannot be
   * sent.
   */
  post(url: string, request: HttpRequest): Promise<HttpResult> {
    const { origin } = this.#options;
    if (!url.startsWith(origin) || url[origin.length] !== "/") {
      throw new TypeError("Cannot send: the URL is not of the sender's origin");
    }
    const { headers, commonHeaders, body, signal } = request;
    if (this.#closed || signal.aborted) return Promise.resolve(ABORTED_UNSENT);
    return new Promise((resolve, reject) => {
      const pending: Pending = {
        path: url.slice(origin.length),
        headers,
        commonHeaders,
        // Texts of this size share buffers of Node's pool, which costs a third.
        body: typeof body === "string" ? Buffer.from(body) : body,
        ignoreSuccessBody: request.ignoreSuccessBody ?? false,
        done: (result) => this.#onResult(pending, result),
        signal,
        resolve,
        reject,
        refusals: 0,
        connection: undefined,
        stream: undefined,
        sentAt: 0,
      };
      this.#abortListeners.add(signal, pending);
      this.#submit(pending);
    });
  }

  renew(): void {
    for (const connection of this.#connections) this.#retire(connection);
    this.#connections = [];
    if (this.#waiting.size > 0) this.#addConnection();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#closed = Promise.withResolvers();
      for (const pending of [...this.#waiting]) this.#settle(pending, ABORTED_UNSENT);
      for (const connection of this.#connections) this.#retire(connection);
      this.#connections = [];
      this.#closeIfDone();
    }
    return this.#closed.promise;
  }

  /** Sends a request if a connection has room, or lets it wait. */
  #submit(pending: Pending): void {
    const connection = this.#waiting.size === 0 ? this.#leastLoaded() : undefined;
    if (connection) return this.#send(pending, connection);
    this.#waiting.add(pending);
    this.#addConnection();
  }

  #leastLoaded(): Http2Connection | undefined {
    let best: Http2Connection | undefined;
    for (const connection of this.#connections) {
      if (connection.free > (best?.free ?? 0)) best = connection;
    }
    return best;
  }

  #send(pending: Pending, connection: Http2Connection): void {
    try {
      pending.stream = connection.request(pending);
    } catch (error) {
      this.#abortListeners.remove(pending.signal, pending);
      return pending.reject(error);
    }
    pending.connection = connection;
    pending.sentAt = this.#options.clock.monotonic();
    this.#sweepLater();
  }

  #onResult(pending: Pending, result: HttpResult): void {
    const connection = pending.connection!;
    pending.connection = pending.stream = undefined;
    if (result.kind === "reply") {
      connection.unanswered = 0;
    } else if (this.#isToBeRepeated(pending, result)) {
      pending.refusals++;
      this.#waiting.add(pending);
      // After the connection has processed its input: it may be closing.
      return queueMicrotask(() => this.#sendWaiting());
    } else if (result.fault === "timeout" || result.fault === "aborted") {
      // The server may receive but never answer, so replace the connection.
      if (++connection.unanswered === UNANSWERED_UNTIL_REPLACED) this.#drop(connection);
    }
    this.#settle(pending, result);
  }

  #isToBeRepeated({ refusals }: Pending, { sent, fault }: HttpFailure): boolean {
    return sent === "no" && (fault === "refused_stream" || fault === "goaway") &&
      refusals < MAX_REFUSALS && !this.#closed;
  }

  #settle(pending: Pending, result: HttpResult): void {
    this.#waiting.delete(pending);
    this.#abortListeners.remove(pending.signal, pending);
    pending.resolve(result);
    if (this.#closed) this.#closeIfDone();
  }

  /** Sends waiting requests while there is room. */
  #sendWaiting(): void {
    if (this.#waiting.size === 0) return;
    for (const pending of this.#waiting) {
      const connection = this.#leastLoaded();
      if (!connection) break;
      this.#waiting.delete(pending);
      this.#send(pending, connection);
    }
    if (this.#waiting.size > 0) this.#addConnection();
  }

  /** Opens a connection unless one is being opened or the limit is reached. */
  #addConnection(): void {
    const { maxConnections, connect, maxStreams, clock } = this.#options;
    if (this.#closed || this.#connections.length >= maxConnections) return;
    if (this.#connections.some(({ isReady }) => !isReady)) return;
    const connection = new Http2Connection({
      connect,
      maxStreams,
      clock,
      authority: this.#authority,
      onFree: () => {
        if (connection.isOver) this.#drop(connection);
        this.#sendWaiting();
      },
      onClosed: (unusable) => this.#onClosed(connection, unusable),
    });
    this.#connections.push(connection);
    const finished: Promise<void> = connection.finished.then(() =>
      void this.#open.delete(finished)
    );
    this.#open.add(finished);
    this.#sweepLater();
  }

  #onClosed(connection: Http2Connection, unusable: HttpFailure | undefined): void {
    this.#ending.delete(connection);
    this.#connections = this.#connections.filter((one) => one !== connection);
    if (unusable && this.#connections.length === 0) {
      // The waiting requests would fail the same way; the callers decide about retries.
      for (const pending of [...this.#waiting]) this.#settle(pending, unusable);
    }
    if (this.#closed) this.#closeIfDone();
    else this.#sendWaiting();
  }

  /** Takes a connection out of use; it closes after its last request. */
  #drop(connection: Http2Connection): void {
    if (!this.#connections.includes(connection)) return;
    this.#connections = this.#connections.filter((one) => one !== connection);
    this.#retire(connection);
  }

  #retire(connection: Http2Connection): void {
    this.#ending.add(connection);
    connection.retire();
  }

  #closeIfDone(): void {
    if (this.#ending.size > 0 || this.#connections.length > 0) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    void Promise.all(this.#open).then(() => this.#closed?.resolve());
  }

  #onAbort(aborted: readonly Pending[]): void {
    for (const pending of aborted) {
      if (pending.stream) pending.connection!.cancel(pending.stream, ABORTED);
      else this.#settle(pending, ABORTED_UNSENT);
    }
    this.#sendWaiting();
  }

  #sweepLater(): void {
    const { clock, timeoutMs } = this.#options;
    if (this.#timer) return;
    this.#sweptAt = clock.monotonic();
    this.#timer = clock.after(timeoutMs / SWEEPS, () => {
      this.#timer = undefined;
      this.#sweep();
      if (this.#connections.length > 0 || this.#ending.size > 0) this.#sweepLater();
    });
  }

  #sweep(): void {
    const { clock, timeoutMs } = this.#options;
    const now = clock.monotonic();
    // If this process was blocked, silence may only mean that it has not read yet.
    const wasBlocked = now - this.#sweptAt > 3 * timeoutMs / SWEEPS;
    for (const connection of [...this.#connections, ...this.#ending]) {
      this.#endTimedOut(connection, now);
      if (!wasBlocked) connection.checkLiveness(now, this.#options);
      else if (connection.pingedAt !== undefined) connection.pingedAt = now;
    }
    this.#sendWaiting();
  }

  #endTimedOut(connection: Http2Connection, now: number): void {
    const { timeoutMs } = this.#options;
    const late: Stream[] = [];
    for (const stream of connection.streams()) {
      // All requests of its connections are of this sender.
      if (now - (stream.request as Pending).sentAt < timeoutMs) break;
      late.push(stream);
    }
    for (const stream of late) connection.cancel(stream, timeoutFailure(timeoutMs));
  }
}
