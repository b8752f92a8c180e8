/**
 * The official Engine.IO server on Deno's HTTP server and WebSockets: `fetch` takes the place of
 * Node's `request` and `upgrade` events. It speaks Engine.IO and nothing above it, decides about
 * no credential, and can be used alone; `io.bind(engine)` puts Socket.IO on top.
 */

import { type BaseServer, Server, type Transport } from "engine.io";
import type { BodyDeadline } from "../core/body_deadline.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import { ClosingSockets } from "./_closing_sockets.ts";
import { EngineRequest, EngineResponse, pump } from "./_engine_request.ts";
import { EngineSocket, type EngineSocketServer } from "./_engine_socket.ts";
import { Heartbeats } from "./_heartbeats.ts";
import { refusalResponse } from "./handshake.ts";
import { WebSocketTransport } from "./_web_socket_transport.ts";

/** What holds for sockets that are opened from now on. */
export interface EngineLimits {
  /** Milliseconds; told to every client in its open packet. */
  readonly pingInterval: number;
  /** Milliseconds; told to every client in its open packet. */
  readonly pingTimeout: number;
  /** The same interval for clients of revision 3. @default {pingInterval} */
  readonly olderPingInterval?: number;
  /**
   * Milliseconds from something that has to be proven to an extra ping; 0: none.
   * @default {1000}
   */
  readonly askAfter?: number;
  /** Bytes of the largest message taken from a client. */
  readonly maxPayload: number;
}

/** Settings of an {@link Engine}. */
export interface EngineOptions extends EngineLimits {
  readonly clock: Clock;
  /** Bounds how long a post may take to arrive; absent: for ever. */
  readonly bodyDeadline?: BodyDeadline | undefined;
  /** Milliseconds that a client has for the move from polling to a WebSocket. */
  readonly upgradeTimeout?: number;
  /** Called when a request names a session that is not here; returns a hint for the answer. */
  readonly onUnknownSession?: () => string | undefined;
}

/** Who sent a request, and what is to be found again on the request of the socket it opens. */
export interface EngineRequestInfo {
  readonly info: Deno.ServeHandlerInfo;
  readonly context?: unknown;
}

type Errors = typeof BaseServer.errors;
type EngineError = Errors[keyof Errors];
type Verify = (
  request: EngineRequest,
  upgrade: boolean,
  done: (code?: EngineError, context?: unknown) => void,
) => void;

const REVISIONS = ["3", "4"];
const ASK_AFTER_MS = 1_000;

/** Deno's own keep-alive is off: Engine.IO has heartbeats, and two would cost two timers. */
const IDLE_TIMEOUT_SECONDS = 0;

/** An Engine.IO server. Emits `connection` with every {@link EngineSocket}. */
export class Engine extends Server implements EngineSocketServer {
  readonly heartbeats: Heartbeats;
  askAfter = ASK_AFTER_MS;
  /** WebSockets whose peers have yet to answer that they are closed. */
  readonly closing: ClosingSockets;
  readonly #bodyDeadline: BodyDeadline | undefined;
  readonly #onUnknownSession: EngineOptions["onUnknownSession"];
  #olderPingInterval: number | undefined;
  /** This server, as sockets of revision 3 are to see it. */
  readonly #older: EngineSocketServer;

  constructor(options: EngineOptions) {
    super({
      pingInterval: options.pingInterval,
      pingTimeout: options.pingTimeout,
      maxHttpBufferSize: options.maxPayload,
      upgradeTimeout: options.upgradeTimeout ?? 10_000,
      allowEIO3: true,
      httpCompression: false,
    });
    this.heartbeats = new Heartbeats(options.clock, options.pingTimeout);
    this.closing = new ClosingSockets(options.clock);
    this.#bodyDeadline = options.bodyDeadline;
    this.#onUnknownSession = options.onUnknownSession;
    const pingInterval = { get: () => this.#olderPingInterval ?? this.opts.pingInterval };
    this.#older = Object.create(this, {
      opts: { value: Object.create(this.opts, { pingInterval }) },
      forget: { value: (socket: EngineSocket) => this.forget(socket) },
    });
    this.configure(options);
  }

  /** Changes what holds for sockets opened from now on. */
  configure({ pingInterval, pingTimeout, maxPayload, ...limits }: EngineLimits): void {
    this.#olderPingInterval = limits.olderPingInterval;
    this.askAfter = limits.askAfter ?? ASK_AFTER_MS;
    Object.assign(this.opts, { pingInterval, pingTimeout, maxHttpBufferSize: maxPayload });
    this.heartbeats.setPingTimeout(pingTimeout);
  }

  /** Answers a handshake, a poll, a post or a WebSocket upgrade. Never throws. */
  async fetch(request: Request, arrival: EngineRequestInfo): Promise<Response> {
    const url = new URL(request.url);
    const { remoteAddr } = arrival.info;
    const from = "hostname" in remoteAddr ? remoteAddr.hostname : "";
    const incoming = new EngineRequest(request, url, from);
    incoming.context = arrival.context;
    const upgrade = isUpgrade(request);
    const fault = this.#faultOf(incoming, upgrade);
    if (fault !== undefined) {
      await request.body?.cancel().catch(ignore);
      const isUnknown = fault === Server.errors.UNKNOWN_SID;
      return refusal(fault, isUnknown ? this.#onUnknownSession?.() : undefined);
    }
    if (upgrade) return this.#upgrade(request, incoming);
    return await this.#exchange(request, incoming);
  }

  /** Called by a socket that has closed. */
  forget(socket: EngineSocket): void {
    const sessions = this.#sessions();
    if (!(socket.id in sessions)) return;
    delete sessions[socket.id];
    this.clientsCount--;
  }

  protected override init(): void {}

  protected override cleanup(): void {
    this.closing.stop();
  }

  #faultOf(request: EngineRequest, upgrade: boolean): EngineError | undefined {
    let fault: EngineError | undefined;
    (this.verify as unknown as Verify).call(this, request, upgrade, (code) => void (fault = code));
    if (fault !== undefined) return fault;
    // The official code takes every other revision for 3.
    if (!REVISIONS.includes(request._query.EIO ?? "")) {
      return Server.errors.UNSUPPORTED_PROTOCOL_VERSION;
    }
    if (request.method !== "GET" && request.method !== "POST") {
      return Server.errors.BAD_HANDSHAKE_METHOD;
    }
    return undefined;
  }

  #session(request: EngineRequest): EngineSocket | undefined {
    const id = request._query.sid;
    return id === undefined ? undefined : this.#sessions()[id];
  }

  /** The official table of sessions, which holds our kind of sockets. */
  #sessions(): Record<string, EngineSocket> {
    return this.clients as unknown as Record<string, EngineSocket>;
  }

  #upgrade(request: Request, incoming: EngineRequest): Response {
    let upgraded: Deno.WebSocketUpgrade;
    try {
      upgraded = Deno.upgradeWebSocket(request, { idleTimeout: IDLE_TIMEOUT_SECONDS });
    } catch {
      // Headers of a WebSocket handshake that are missing or wrong.
      return refusal(Server.errors.BAD_REQUEST);
    }
    const { socket, response } = upgraded;
    socket.addEventListener("open", () => this.#onWebSocket(incoming, socket), { once: true });
    return response;
  }

  #onWebSocket(request: EngineRequest, socket: WebSocket): void {
    const transport = new WebSocketTransport(request, socket, {
      maxPayload: this.opts.maxHttpBufferSize!,
      closing: this.closing,
    });
    if (request._query.sid === undefined) return this.#open(request, transport);
    const session = this.#session(request);
    if (!session || session.upgrading || session.upgraded) return transport.close();
    session._maybeUpgrade(transport);
  }

  async #exchange(request: Request, incoming: EngineRequest): Promise<Response> {
    const declared = Number(request.headers.get("content-length") ?? 0);
    if (declared > this.opts.maxHttpBufferSize!) {
      await request.body?.cancel().catch(ignore);
      return new Response(null, { status: 413, headers: { connection: "close" } });
    }
    const outgoing = new EngineResponse();
    incoming.res = outgoing;
    // `info.completed` is of no use: it waits for an answer. The signal fires on success as well,
    // unless Deno is told otherwise (`no-legacy-abort`), which also spares a warning.
    request.signal.addEventListener("abort", () => {
      if (outgoing.writableEnded) return;
      incoming.emit("close");
      outgoing.writeHead(400).end();
    }, { once: true });
    const session = this.#session(incoming);
    if (session && request.method === "GET") session.onPoll();
    if (session) session.transport.onRequest(incoming);
    else this.#open(incoming, this.#polling(incoming));
    if (request.method === "POST") return await this.#read(request, { incoming, outgoing });
    return await outgoing.response;
  }

  /** Reads a post within its time; one that takes longer ends its session, like a broken one. */
  async #read(
    request: Request,
    { incoming, outgoing }: {
      readonly incoming: EngineRequest;
      readonly outgoing: EngineResponse;
    },
  ): Promise<Response> {
    const reading = pump(request.body ?? new Blob([]).stream(), incoming);
    try {
      await (this.#bodyDeadline?.inTime(reading) ?? reading);
    } catch (thrown) {
      if (!(thrown instanceof ServiceError)) throw thrown;
      incoming.emit("close");
      return refusalResponse({ code: thrown.code, message: thrown.message });
    }
    return await outgoing.response;
  }

  #polling(request: EngineRequest): Transport {
    const transport: Transport = this.createTransport("polling", request as never);
    return Object.assign(transport, { maxHttpBufferSize: this.opts.maxHttpBufferSize });
  }

  /** The official `handshake`, for our kind of socket and without its listeners. */
  #open(request: EngineRequest, transport: Transport): void {
    const id = this.generateId(request as never) as string;
    const revision = request._query.EIO === "4" ? 4 : 3;
    const server = revision === 3 ? this.#older : this;
    const socket = new EngineSocket(id, server, transport, request, revision);
    this.#sessions()[id] = socket;
    this.clientsCount++;
    transport.onRequest(request);
    this.emit("connection", socket);
  }
}

function isUpgrade(request: Request): boolean {
  return request.headers.get("upgrade")?.toLowerCase() === "websocket";
}

/**
 * The official body of an error: `{"code":5,"message":"Unsupported protocol version"}`. A hint goes
 * into a header, so that clients see what they would see of the official server.
 */
function refusal(code: EngineError, hint?: string): Response {
  const message = Server.errorMessages[code];
  const status = code === Server.errors.FORBIDDEN ? 403 : 400;
  const headers = hint === undefined ? undefined : { "x-carillon-hint": hint };
  return Response.json({ code, message }, { status, ...(headers && { headers }) });
}

function ignore(): void {}
