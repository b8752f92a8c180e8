/**
 * The official Engine.IO server on Deno's HTTP server and WebSockets: `fetch` takes the place of
 * Node's `request` and `upgrade` events. It speaks Engine.IO only, checks no credentials, and can
 * be used alone; `io.bind(engine)` puts Socket.IO on top.
 */

import { type BaseServer, Server, type Transport } from "engine.io";
import type { BodyDeadline } from "../core/body_deadline.ts";
import type { Clock } from "../core/clock.ts";
import { ServiceError } from "../core/errors.ts";
import { ClosingSockets } from "./_closing_sockets.ts";
import { EngineRequest, EngineResponse, pump } from "./_engine_request.ts";
import { EngineSocket, type EngineSocketServer } from "./_engine_socket.ts";
import { Heartbeats } from "./_heartbeats.ts";
import { upgradeSocket } from "./_upgrade_socket.ts";
import { WebSocketTransport } from "./_web_socket_transport.ts";
import { refusalResponse } from "./handshake.ts";
import type { PeerSocket, RequestInfo } from "./port.ts";

/** Limits of the sockets that are opened from now on. */
export interface EngineLimits {
  /** Milliseconds; every client receives it in its open packet. */
  readonly pingInterval: number;
  /** Milliseconds; every client receives it in its open packet. */
  readonly pingTimeout: number;
  /** For clients of revision 3, whose pings acknowledge what they received. @default {pingInterval} */
  readonly olderPingInterval?: number;
  /**
   * Milliseconds from an event to an early ping that has the client acknowledge it; 0: none. Only
   * for clients of revision 4 that name their connection and send no offset. @default {1000}
   */
  readonly askAfter?: number;
  /** Bytes of the largest message that a client may send. */
  readonly maxMessageBytes: number;
}

/** Options of an {@link Engine}. */
export interface EngineOptions extends EngineLimits {
  readonly clock: Clock;
  /** Limits how long a POST may take to arrive. @default {no limit} */
  readonly bodyDeadline?: BodyDeadline | undefined;
  /**
   * Milliseconds that a client has for the upgrade from polling to a WebSocket. @default {10000}
   */
  readonly upgradeTimeout?: number;
  /** Called when a request names an unknown session; returns a hint for the answer. */
  readonly onUnknownSession?: () => string | undefined;
}

/** The sender of a request, and data to be found on the request of the socket that it opens. */
interface EngineRequestInfo {
  readonly info: RequestInfo;
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

/** The runtime's own keep-alive is off: Engine.IO has heartbeats; both would cost a timer each. */
const IDLE_TIMEOUT_SECONDS = 0;

/** An Engine.IO server. Emits `connection` with every {@link EngineSocket}. */
export class Engine extends Server implements EngineSocketServer {
  readonly heartbeats: Heartbeats;
  askAfter = ASK_AFTER_MS;
  /** WebSockets that this server has closed and whose peers have not answered yet. */
  readonly closing: ClosingSockets;
  readonly #bodyDeadline: BodyDeadline | undefined;
  readonly #onUnknownSession: EngineOptions["onUnknownSession"];
  #olderPingInterval: number | undefined;
  /** This server as sockets of revision 3 see it: with their ping interval. */
  readonly #older: EngineSocketServer;

  constructor(options: EngineOptions) {
    super({
      pingInterval: options.pingInterval,
      pingTimeout: options.pingTimeout,
      maxHttpBufferSize: options.maxMessageBytes,
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

  /** Changes the limits of sockets opened from now on. */
  configure({ pingInterval, pingTimeout, maxMessageBytes, ...limits }: EngineLimits): void {
    this.#olderPingInterval = limits.olderPingInterval;
    this.askAfter = limits.askAfter ?? ASK_AFTER_MS;
    Object.assign(this.opts, { pingInterval, pingTimeout, maxHttpBufferSize: maxMessageBytes });
    this.heartbeats.setPingTimeout(pingTimeout);
  }

  /** Answers a handshake, a poll, a POST or a WebSocket upgrade. Never throws. */
  async fetch(request: Request, { info, context }: EngineRequestInfo): Promise<Response> {
    const url = new URL(request.url);
    const { remoteAddr } = info;
    const from = "hostname" in remoteAddr ? remoteAddr.hostname : "";
    const incoming = new EngineRequest(request, url, from);
    incoming.context = context;
    const upgrade = isUpgrade(request);
    const error = this.#errorOf(incoming, upgrade);
    if (error !== undefined) {
      await request.body?.cancel().catch(ignore);
      const isUnknown = error === Server.errors.UNKNOWN_SID;
      return refusal(error, isUnknown ? this.#onUnknownSession?.() : undefined);
    }
    if (upgrade) return this.#upgrade(request, { incoming, info });
    return await this.#exchange(request, incoming);
  }

  /** Removes a socket that has closed. */
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

  #errorOf(request: EngineRequest, upgrade: boolean): EngineError | undefined {
    let error: EngineError | undefined;
    (this.verify as unknown as Verify).call(this, request, upgrade, (code) => void (error = code));
    if (error !== undefined) return error;
    // The official code treats every other revision as 3.
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

  /** The official table of sessions. It holds sockets of our class. */
  #sessions(): Record<string, EngineSocket> {
    return this.clients as unknown as Record<string, EngineSocket>;
  }

  #upgrade(
    request: Request,
    { incoming, info }: { readonly incoming: EngineRequest; readonly info: RequestInfo },
  ): Response {
    const response = upgradeSocket(request, {
      info,
      idleTimeout: IDLE_TIMEOUT_SECONDS,
      maxMessageBytes: this.opts.maxHttpBufferSize!,
      onOpen: (socket) => this.#onWebSocket(incoming, socket),
    });
    // Headers of the WebSocket handshake are missing or wrong.
    return response ?? refusal(Server.errors.BAD_REQUEST);
  }

  #onWebSocket(request: EngineRequest, socket: PeerSocket): void {
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
    // `info.completed` does not help: it waits for an answer. The signal also fires on success,
    // unless Deno is started with `no-legacy-abort`, which this project does.
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

  /**
   * Reads a POST within its deadline. One that takes longer ends its session, as a broken one does.
   */
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

  /** The official `handshake` for our socket class, without its listeners. */
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
 * Returns the official body of an error: `{"code":5,"message":"Unsupported protocol version"}`. A
 * hint goes into a header, so that the body stays what the official server answers.
 */
function refusal(code: EngineError, hint?: string): Response {
  const message = Server.errorMessages[code];
  const status = code === Server.errors.FORBIDDEN ? 403 : 400;
  const headers = hint === undefined ? undefined : { "x-carillon-hint": hint };
  return Response.json({ code, message }, { status, ...(headers && { headers }) });
}

function ignore(): void {}
