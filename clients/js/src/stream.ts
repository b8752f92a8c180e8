/**
 * Receives what a user is sent, as server-sent events over `fetch`: in browsers, workers, Node, Deno
 * and Bun. Reconnects by itself and continues after the last event that it has handed out. Unlike
 * the browser's EventSource it keeps the token out of the address, and gets another one by itself
 * when the session has ended.
 */

import { createParser, type EventSourceMessage } from "eventsource-parser";
import { pause } from "./_retry.ts";
import { CarillonError, errorOf } from "./errors.ts";

/** How a stream is opened. */
export interface StreamOptions {
  /** Address of the service, e.g. `https://push.example.com`. */
  readonly url: string;
  /** Returns a user's session token; asked at the start and when the session has ended. */
  readonly session: () => string | Promise<string>;
  /** The client that this is, as in `pns-websocket-clients.yml`; absent: the first one there. */
  readonly client?: string;
  /** A publish with this as `sourceToken` does not come back. @default {a random UUID} */
  readonly connection?: string;
  /** The `offset` of the last event that was handled before, to continue after it. */
  readonly after?: string;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  /** Told what happens to the connection. */
  readonly onState?: (state: StreamState) => void;
  /** @default {globalThis.fetch} */
  readonly fetch?: typeof globalThis.fetch;
}

/** What a connection does. */
export type StreamState =
  | { readonly state: "open"; readonly recovered: boolean }
  | { readonly state: "reconnecting"; readonly reason: string };

/** Something that the user was sent, or that something is missing. */
export type StreamEvent =
  | PublishedEvent
  /** Events before this are no longer stored: load what you show from its source. */
  | { readonly type: "resync"; readonly offset: string };

/** Something that the user was sent. */
export interface PublishedEvent {
  readonly type: "event";
  readonly topic: string;
  // deno-lint-ignore no-explicit-any -- the publisher's own JSON object
  readonly data: any;
  /** The place of the event, for {@link StreamOptions.after}. */
  readonly offset: string;
  /** The event replaces what is shown of an earlier one with this key: the tag of a notification. */
  readonly collapseKey?: string;
  /**
   * Tells the publisher that the app has the event, or that its user has seen it, so that no phone
   * rings. Only where the publisher asked for it.
   *
   * @throws {CarillonError}
   */
  readonly acknowledge?: (kind?: "delivered" | "seen") => Promise<void>;
}

/** Answers that are refused for good, unless a new session helps. */
const NEEDS_SESSION = new Set([401, 403]);
const MAX_PAUSE_MS = 30_000;
/** The first event comes at once, unless a proxy holds the answer back. */
const READY_WITHIN_MS = 15_000;

/**
 * Opens a stream and yields each event once, until the signal is aborted or the loop is left.
 *
 * @throws {CarillonError} where the service refuses a new session, or the request for good
 */
export async function* stream(options: StreamOptions): AsyncGenerator<StreamEvent, void, void> {
  const ending = new AbortController();
  const stop = () => ending.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", stop, { once: true });
  if (options.signal?.aborted) stop();
  const connection = new Connection(options, ending.signal);
  let failures = 0;
  let isNewSession = true;
  try {
    while (!ending.signal.aborted) {
      let reason = "the connection ended";
      try {
        for await (const event of connection.open()) {
          failures = 0;
          isNewSession = false;
          if (event) yield event;
        }
        if (connection.hasEnded) connection.forgetSession();
      } catch (thrown) {
        if (ending.signal.aborted) return;
        const status = thrown instanceof CarillonError ? thrown.status : 0;
        const needsSession = NEEDS_SESSION.has(status);
        if (needsSession && isNewSession) throw thrown;
        if (status >= 400 && status < 500 && status !== 429 && !needsSession) throw thrown;
        if (needsSession) {
          connection.forgetSession();
          isNewSession = true;
        }
        reason = thrown instanceof Error ? thrown.message : String(thrown);
      }
      options.onState?.({ state: "reconnecting", reason });
      const longest = Math.min(MAX_PAUSE_MS, connection.retryMs * 2 ** Math.min(failures++, 10));
      await pause(longest * (.5 + Math.random() / 2), ending.signal).catch(() => {});
    }
  } finally {
    options.signal?.removeEventListener("abort", stop);
    ending.abort();
  }
}

/** One stream over any number of requests. */
class Connection {
  /** Milliseconds before a reconnect, as the service wishes. */
  retryMs = 2000;
  /** The service has said that the session is over. */
  hasEnded = false;
  readonly #options: StreamOptions;
  readonly #signal: AbortSignal;
  readonly #name: string;
  #token: string | undefined;
  #after: string | undefined;

  constructor(options: StreamOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#name = options.connection ?? crypto.randomUUID();
    this.#after = options.after;
  }

  forgetSession(): void {
    this.#token = undefined;
    this.hasEnded = false;
  }

  /** Yields events; `undefined` for anything else that shows that the connection works. */
  async *open(): AsyncGenerator<StreamEvent | undefined, void, void> {
    const { url, client, session, fetch: send = fetch } = this.#options;
    this.#token ??= await session();
    const address = addressOf(url, "/v1/stream");
    address.searchParams.set("connection", this.#name);
    if (client !== undefined) address.searchParams.set("client", client);
    const attempt = new AbortController();
    const stop = () => attempt.abort(this.#signal.reason);
    this.#signal.addEventListener("abort", stop, { once: true });
    const silence = new Silence(
      READY_WITHIN_MS,
      (ms) => attempt.abort(new Error(`Nothing came for ${ms} ms; a proxy may buffer the stream`)),
    );
    try {
      const response = await send(address, {
        headers: {
          accept: "text/event-stream",
          authorization: `Bearer ${this.#token}`,
          ...(this.#after !== undefined && { "last-event-id": this.#after }),
        },
        signal: attempt.signal,
      });
      if (!response.ok || !response.body) throw await errorOf(response);
      for await (
        const message of messagesOf(response.body, {
          onBytes: () => silence.restart(),
          onRetry: (ms) => this.retryMs = ms,
        })
      ) {
        const ready = message.event === "ready" ? JSON.parse(message.data) : undefined;
        if (ready) silence.restart(2.5 * ready.pingInterval);
        yield this.#read(message, ready);
      }
    } finally {
      silence.end();
      attempt.abort();
      this.#signal.removeEventListener("abort", stop);
    }
  }

  #read(
    { event, id, data }: EventSourceMessage,
    ready: { readonly recovered: boolean } | undefined,
  ): StreamEvent | undefined {
    if (id !== undefined) this.#after = id;
    const offset = this.#after ?? "";
    if (ready) {
      this.#options.onState?.({ state: "open", recovered: ready.recovered });
      return undefined;
    }
    if (event === undefined) return this.#eventOf(JSON.parse(data), offset);
    if (event === "resync") return { type: "resync", offset };
    if (event === "session:invalid") this.hasEnded = true;
    return undefined;
  }

  #eventOf({ ack, ...event }: WireEvent, offset: string): PublishedEvent {
    const known = { type: "event", ...event, offset } as const;
    if (!ack) return known;
    return { ...known, acknowledge: (kind = "delivered") => this.#acknowledge(offset, kind) };
  }

  async #acknowledge(offset: string, kind: "delivered" | "seen"): Promise<void> {
    const { url, client, session, fetch: send = fetch } = this.#options;
    const response = await send(addressOf(url, "/v1/stream/acknowledge"), {
      method: "POST",
      headers: {
        authorization: `Bearer ${this.#token ??= await session()}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ offset, kind, client }),
    });
    if (!response.ok) throw await errorOf(response);
  }
}

/** An event as it comes over the wire. */
interface WireEvent extends Pick<PublishedEvent, "topic" | "data" | "collapseKey"> {
  /** Whether the publisher asks for an acknowledgement. */
  readonly ack?: true;
}

/** Calls back once nothing has happened for a while. */
class Silence {
  #ms: number;
  readonly #onSilence: (ms: number) => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, onSilence: (ms: number) => void) {
    this.#ms = ms;
    this.#onSilence = onSilence;
    this.restart();
  }

  restart(ms: number = this.#ms): void {
    this.#ms = ms;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#onSilence(ms), ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

function addressOf(url: string, path: string): URL {
  return new URL(`${url.replace(/\/+$/, "")}${path}`);
}

async function* messagesOf(
  body: ReadableStream<Uint8Array>,
  { onBytes, onRetry }: {
    readonly onBytes: () => void;
    readonly onRetry: (ms: number) => void;
  },
): AsyncGenerator<EventSourceMessage, void, void> {
  let messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => void messages.push(message), onRetry });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    onBytes();
    parser.feed(decoder.decode(value, { stream: true }));
    const ready = messages;
    messages = [];
    yield* ready;
  }
}
