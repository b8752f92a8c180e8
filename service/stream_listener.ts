/**
 * A listener for streams of server-sent events alone, over Node's `http`: an idle stream takes a
 * fifth of the memory there that it takes at `Deno.serve`, which reserves 32 KiB for each body that
 * is a stream. See `docs/decisions/idle_streams.md`.
 */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, systemClock, within } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { pathOf } from "../core/path_filter.ts";
import type { Realtime, StreamSink, StreamSource } from "../realtime/mod.ts";

/** A listener for streams. */
export interface StreamListener extends AsyncDisposable {
  readonly address: Deno.NetAddr;
  /** Passes requests to the realtime server from now on. */
  open(answer: Realtime["fetch"]): void;
}

/** Options of {@link listenForStreams}. */
interface StreamListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly log: Log;
  /** Bounds closing. @default {systemClock} */
  readonly clock?: Clock;
}

const PATH = "/v1/stream";
/** Bounds the wait for requests whose peer is gone, which would keep the service from ending. */
const CLOSES_WITHIN_MS = 2_000;

/**
 * Opens the listener.
 *
 * @throws {ServiceError} `invalid_configuration` where the port is not available
 */
export async function listenForStreams(
  { host, port, log, clock = systemClock }: StreamListenerOptions,
): Promise<StreamListener> {
  let answer: Realtime["fetch"] = () =>
    Promise.resolve(new Response(null, { status: 503, headers: { "retry-after": "1" } }));
  const server = createServer((incoming, outgoing) => {
    outgoing.on("error", () => outgoing.destroy());
    void respond(incoming, outgoing, (...given) => answer(...given)).catch((thrown) => {
      log.error("a request for a stream failed unexpectedly", { reason: messageOf(thrown) });
      outgoing.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        new ServiceError(
          "invalid_configuration",
          `Cannot listen at ${host}:${port}: ${messageOf(cause, 200)}; ` +
            "io.carillon.streams.port sets another port",
          { cause },
        ),
      ));
    server.listen(port, host, resolve);
  });
  const { address: hostname, port: taken } = server.address() as AddressInfo;
  return {
    address: { transport: "tcp", hostname, port: taken },
    open: (given) => void (answer = given),
    async [Symbol.asyncDispose]() {
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await within(closed, { clock, ms: CLOSES_WITHIN_MS });
    },
  };
}

async function respond(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answer: Realtime["fetch"],
): Promise<void> {
  const request = requestOf(incoming);
  if (!request || pathOf(request.url) !== PATH) {
    outgoing.writeHead(request ? 404 : 400).end();
    return;
  }
  let outlet: StreamOutlet | undefined;
  const { remoteAddress = "", remotePort = 0 } = incoming.socket;
  const response = await answer(request, {
    remoteAddr: { transport: "tcp", hostname: remoteAddress, port: remotePort },
    completed: Promise.resolve(),
    pour: (stream) => void (outlet = new StreamOutlet(outgoing, stream)),
  });
  outgoing.writeHead(response.status, [...response.headers].flat());
  // A refusal has a body of its own.
  if (outlet && response.body === null) outlet.begin();
  else outgoing.end(await response.bytes());
}

function requestOf({ method = "GET", url = "", rawHeaders }: IncomingMessage): Request | undefined {
  try {
    const headers = new Headers();
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      headers.append(rawHeaders[at]!, rawHeaders[at + 1]!);
    }
    return new Request(new URL(url, "http://localhost"), { method, headers });
  } catch {
    return undefined;
  }
}

/**
 * Writes a stream into a response as its peer takes it. The head of the response is written by
 * Node's `http`, the chunks after it (RFC 9112 §7.1) go straight to the connection, which is cheaper.
 */
class StreamOutlet implements StreamSink {
  readonly #response: ServerResponse;
  readonly #stream: StreamSource;
  /** The connection, from when the head of the response is written. */
  #socket: Socket | undefined;
  #hasEnded = false;

  constructor(response: ServerResponse, stream: StreamSource) {
    this.#response = response;
    this.#stream = stream;
    response.once("close", () => stream.cancel());
    stream.start(this);
  }

  /** Starts after the head of the response. */
  begin(): void {
    const { socket } = this.#response;
    // The peer has gone, or has sent this request behind another one that is a stream.
    if (!socket) {
      this.#response.req.socket.destroy();
      return this.#stream.cancel();
    }
    this.#socket = socket;
    if (this.#hasEnded) return this.close();
    this.#response.flushHeaders();
    this.#stream.pull();
  }

  write(text: string): void {
    const socket = this.#socket!;
    const bytes = Buffer.byteLength(text);
    // For HTTP/1.0 the end of the connection is that of the stream.
    const chunk = this.#response.chunkedEncoding ? `${bytes.toString(16)}\r\n${text}\r\n` : text;
    // ASCII needs no transcoding.
    const hasRoom = socket.write(chunk, bytes === text.length ? "latin1" : "utf8");
    if (hasRoom) this.#stream.pull();
    else socket.once("drain", () => this.#stream.pull());
  }

  /** Called by the stream. A peer that takes nothing would never take the end. */
  close(): void {
    this.#hasEnded = true;
    if (!this.#socket) return;
    if (this.#socket.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }
}
