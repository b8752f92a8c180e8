/**
 * A second listener for streams and sockets, over Node's `http`: an idle connection takes less
 * memory there than at `Deno.serve`, a stream a fifth of it. It passes requests to the same realtime
 * server. See `docs/decisions/idle_streams.md`.
 */

import { createServer, type IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, systemClock, within } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { pathOf } from "../core/path_filter.ts";
import type { Realtime, TakenHandshake } from "../realtime/mod.ts";
import { hasUnreadBody, requestOf } from "./node_request.ts";
import { isHandshake, NodeWebSockets } from "./node_websocket.ts";
import { StreamOutlet } from "./stream_outlet.ts";

type Answering = Pick<Realtime, "handles" | "fetch">;

/** A listener for streams and sockets. */
export interface StreamListener extends AsyncDisposable {
  readonly address: Deno.NetAddr;
  /** Passes requests to the realtime server from now on. */
  open(realtime: Answering): void;
}

/** Options of {@link listenForStreams}. */
interface StreamListenerOptions {
  readonly host: string;
  readonly port: number;
  readonly log: Log;
  /** Bounds what follows an answer. @default {systemClock} */
  readonly clock?: Clock;
}

/** How long a request may go on after its answer. */
const LINGERS_MS = 2_000;
/** Bounds the wait for requests in progress, of which the peers may be gone. */
const CLOSES_WITHIN_MS = 2_000;

/** Answers until a realtime server is there. */
const UNREADY: Answering = {
  handles: () => true,
  fetch: () =>
    Promise.resolve(new Response(null, { status: 503, headers: { "retry-after": "1" } })),
};

/**
 * Opens the listener.
 *
 * @throws {ServiceError} `invalid_configuration` where the port is not available
 */
export async function listenForStreams(
  { host, port, log, clock = systemClock }: StreamListenerOptions,
): Promise<StreamListener> {
  let realtime = UNREADY;
  const sockets = new NodeWebSockets();

  const inProgress = new Set<Promise<void>>();

  function answer(incoming: IncomingMessage, exchange: Exchange): void {
    const answered = answerBy(incoming, { ...exchange, realtime, clock }).catch((thrown) => {
      log.error("a request for a stream failed unexpectedly", { reason: messageOf(thrown) });
      incoming.socket.destroy();
    }).finally(() => inProgress.delete(answered));
    inProgress.add(answered);
  }

  // Like the public port, it leaves it to clients and proxies to end connections that they reuse.
  const server = createServer({ keepAliveTimeout: 0 }, (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.on("error", () => outgoing.destroy());
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort();
    });
    answer(incoming, { signal: gone.signal, respond: () => outgoing });
  });
  server.on("upgrade", (incoming, connection: Socket, head) => {
    connection.on("error", destroy);
    answer(incoming, {
      respond: () => responseOn(connection, incoming),
      ...(isHandshake(incoming) && {
        open(taken) {
          sockets.open(incoming, { connection, head, taken });
          connection.off("error", destroy);
        },
      }),
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
    open: (given) => void (realtime = given),
    async [Symbol.asyncDispose]() {
      server.close();
      await within(Promise.all(inProgress).then(() => {}), { clock, ms: CLOSES_WITHIN_MS });
      // Sockets are no longer the server's: who has opened them closes them.
      server.closeAllConnections();
    },
  };
}

/** The ways in which one request may be answered. */
interface Exchange {
  readonly signal?: AbortSignal;
  /** To be called at most once. */
  readonly respond: () => ServerResponse;
  /** Opens a WebSocket; absent where the request is no handshake of one. */
  readonly open?: (taken: TakenHandshake) => void;
}

interface Surroundings {
  readonly realtime: Answering;
  readonly clock: Clock;
}

async function answerBy(
  incoming: IncomingMessage,
  { realtime, clock, signal, respond, open }: Exchange & Surroundings,
): Promise<void> {
  let outgoing: ServerResponse | undefined;
  let outlet: StreamOutlet | undefined;
  let taken: TakenHandshake | undefined;
  const request = requestOf(incoming, signal);
  const isHandled = request && realtime.handles(pathOf(request.url));
  const { remoteAddress = "", remotePort = 0 } = incoming.socket;
  const response = !isHandled
    ? new Response(null, { status: request ? 404 : 400 })
    : await realtime.fetch(request, {
      remoteAddr: { transport: "tcp", hostname: remoteAddress, port: remotePort },
      completed: Promise.resolve(),
      pour: (stream) => void (outlet = new StreamOutlet(outgoing = respond(), stream)),
      upgrade(given) {
        if (open) taken = given;
        return open !== undefined;
      },
    });
  // A refusal has a body of its own.
  if (taken && response.body === null) return open!(taken);
  outgoing ??= respond();
  outgoing.statusCode = response.status;
  outgoing.setHeaders(response.headers);
  if (outlet && response.body === null) return outlet.begin();
  if (hasUnreadBody(incoming)) linger(incoming, { outgoing, clock });
  const closed = closeOf(outgoing, incoming);
  outgoing.end(await response.bytes());
  await closed;
}

/** Resolves when a response has been handed over, or its peer is gone. */
function closeOf(outgoing: ServerResponse, { socket }: IncomingMessage): Promise<void> {
  if (outgoing.destroyed || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => outgoing.once("close", () => resolve()));
}

/**
 * Lets the answer reach a peer that is still sending (RFC 9112 §9.6): Node drops what comes. One that
 * does not end is cut off.
 */
function linger(
  incoming: IncomingMessage,
  { outgoing, clock }: { readonly outgoing: ServerResponse; readonly clock: Clock },
): void {
  // With it Node would close the connection at once.
  outgoing.removeHeader("connection");
  const timer = clock.after(LINGERS_MS, () => incoming.socket.destroy());
  incoming.once("close", () => timer.cancel());
}

/** Returns a response for a connection that has asked for another protocol, and ends with it. */
function responseOn(connection: Socket, incoming: IncomingMessage): ServerResponse {
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(connection);
  outgoing.once("finish", () => connection.destroySoon());
  // Nobody else reads it any more, and only a reader hears that the peer has gone.
  connection.once("end", () => connection.destroySoon()).resume();
  return outgoing;
}

function destroy(this: Socket): void {
  this.destroy();
}
