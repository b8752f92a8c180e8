/**
 * The realtime server: Socket.IO for the clients of users, on Deno's own WebSockets. It keeps
 * the index of who is connected, lets clients in as far as the function it was given says so,
 * and sends events to a user's sockets. It knows nothing of notifications.
 */

import { type DefaultEventsMap, Server, type Socket } from "socket.io";
import type { Clock } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Log } from "../core/log.ts";
import { Backlog } from "./_backlog.ts";
import { type Connection, Connections } from "./_connections.ts";
import { drainSockets } from "./_drain.ts";
import type { EngineRequest } from "./_engine_request.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import { NoRooms, slim } from "./_lean.ts";
import { isOriginAllowed, preflight, withCors } from "./_origins.ts";
import { clientAt } from "./_paths.ts";
import { Rate } from "./_rate.ts";
import { Engine } from "./engine.ts";
import {
  type Admission,
  type Authenticate,
  connectionIdOf,
  credentialOfAuth,
  credentialOfRequest,
  type Handshake,
  type Identity,
  NO_CREDENTIAL,
  type Refusal,
  refusalError,
  refusalResponse,
} from "./handshake.ts";
import type { RealtimeSettings } from "./settings.ts";

/** Whose sockets of which client. */
export interface Audience {
  readonly context: string;
  readonly user: string;
  readonly client: string;
}

/** What became of an event: numbers of sockets. */
export interface EmitResult {
  readonly sent: number;
  /** Left out as the source. */
  readonly source: number;
  /** Given up, because they were too far behind. */
  readonly dropped: number;
}

/** Told of what happens to sockets. */
export interface RealtimeHooks {
  onOpened?(connection: Audience): void;
  /** `reason` is one of a few fixed texts. */
  onClosed?(connection: Audience, reason: string): void;
  onRefused?(reason: Refusal["code"]): void;
}

/** What the realtime server is made of. */
export interface RealtimeOptions {
  readonly settings: RealtimeSettings;
  readonly authenticate: Authenticate;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly hooks?: RealtimeHooks;
}

/** The realtime server. */
export interface Realtime extends AsyncDisposable {
  /** Whether a path belongs here, known to serve a client or not. */
  handles(pathname: string): boolean;
  /** Answers handshakes, polls and WebSocket upgrades. Never throws. */
  fetch(request: Request, info: Deno.ServeHandlerInfo): Promise<Response>;
  /** Clients that a user has at least one open socket of. */
  clientsOf(context: string, user: string): readonly string[];
  /**
   * Sends an event to the sockets of a user's client, except the one whose connection id (or
   * Socket.IO id) is `exceptConnection`.
   */
  emit(to: Audience, event: string, args: readonly Json[], exceptConnection?: string): EmitResult;
  /** Tells the sockets of a revoked session `session:invalid` and closes them; how many. */
  closeSession(sessionId: string): number;
  /** Refuses new sockets and closes the open ones a few per second, so that clients go elsewhere. */
  drain(perSecond: number): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
  stats(): {
    readonly open: ReadonlyMap<string, number>;
    readonly backlogBytes: number;
  };
  /** Settings to be used from now on. */
  configure(settings: RealtimeSettings): void;
}

/** Starts the realtime server; `fetch` must be called by an HTTP server. */
export function createRealtime(options: RealtimeOptions): Realtime {
  return new RealtimeServer(options);
}

/** What a handshake leaves for the namespace to find. */
interface Note {
  readonly client: string;
  readonly connectionId: string | undefined;
  readonly identity: Identity | undefined;
}

type Next = (error?: Error) => void;
type Plain = DefaultEventsMap;
type UserSocket = Socket<Plain, Plain, Plain, Partial<Connection>>;

const SESSION_INVALID = "session:invalid";

class RealtimeServer implements Realtime {
  readonly #options: RealtimeOptions;
  readonly #hooks: RealtimeHooks;
  readonly #engine: Engine;
  readonly #io: Server<Plain, Plain, Plain, Partial<Connection>>;
  readonly #connections = new Connections();
  readonly #backlog: Backlog;
  readonly #handshakes: Rate;
  #settings: RealtimeSettings;
  #draining = false;

  constructor(options: RealtimeOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.#hooks = options.hooks ?? {};
    this.#settings = settings;
    this.#handshakes = new Rate(clock, settings.handshakesPerSecond);
    this.#backlog = new Backlog(backlogLimits(settings));
    this.#engine = new Engine({
      clock,
      pingInterval: settings.pingInterval,
      pingTimeout: settings.pingTimeout,
      maxPayload: settings.maxMessageBytes,
    });
    this.#io = new Server({
      serveClient: false,
      connectTimeout: settings.connectTimeout,
      adapter: NoRooms as never,
    });
    this.#io.bind(this.#engine);
    this.#io.use((socket, next) => void this.#admit(socket, next));
    this.#io.on("connection", (socket) => this.#join(socket));
    (this.#io.of("/").adapter as unknown as NoRooms).onLeave = (id) => this.#leave(id);
  }

  handles(pathname: string): boolean {
    return pathname === "/socket.io" || pathname.startsWith("/socket.io/") ||
      clientAt(this.#settings.paths, pathname) !== undefined;
  }

  async fetch(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
    // Read first: the headers of a request are gone once it has been upgraded or cut off.
    const origin = request.headers.get("origin");
    const host = request.headers.get("host");
    if (!isOriginAllowed({ origin, host, allowed: this.#settings.allowedOrigins })) {
      return await this.#refuse(request, {
        code: "foreign_origin",
        message: "Pages of this origin may not open sockets here",
      });
    }
    if (request.method === "OPTIONS") return withCors(origin, preflight(request));
    return withCors(origin, await this.#answer(request, info));
  }

  clientsOf(context: string, user: string): readonly string[] {
    return this.#connections.clientsOf(context, user);
  }

  emit(
    to: Audience,
    event: string,
    args: readonly Json[],
    exceptConnection?: string,
  ): EmitResult {
    let sent = 0, source = 0, dropped = 0;
    let frame: string | undefined;
    let at = this.#connections.first(to.context, to.user);
    while (at) {
      const connection = at;
      at = connection.next;
      if (connection.client !== to.client) continue;
      if (
        exceptConnection !== undefined &&
        (connection.id === exceptConnection || connection.socketId === exceptConnection)
      ) source++;
      else {
        // Engine.IO message, Socket.IO event, main namespace.
        frame ??= `42${JSON.stringify([event, ...args])}`;
        if (this.#backlog.admit(connection.engine, frame.length)) {
          connection.engine.sendText(frame);
          sent++;
        } else dropped++;
      }
    }
    return { sent, source, dropped };
  }

  closeSession(sessionId: string): number {
    const revoked = [...this.#connections].filter((each) => each.sessionId === sessionId);
    for (const connection of revoked) {
      connection.engine.sendText(`42${JSON.stringify([SESSION_INVALID])}`);
      this.#disconnect(connection);
    }
    return revoked.length;
  }

  async drain(perSecond: number): Promise<void> {
    this.#draining = true;
    const { clock, random } = this.#options;
    await drainSockets([...this.#connections], { perSecond, clock, random });
  }

  async close(): Promise<void> {
    this.#draining = true;
    await this.#io.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats() {
    return { open: this.#connections.open, backlogBytes: this.#backlog.measure() };
  }

  configure(settings: RealtimeSettings): void {
    this.#settings = settings;
    this.#handshakes.perSecond = settings.handshakesPerSecond;
    this.#backlog.limits = backlogLimits(settings);
    this.#engine.configure({
      pingInterval: settings.pingInterval,
      pingTimeout: settings.pingTimeout,
      maxPayload: settings.maxMessageBytes,
    });
    this.#io.connectTimeout(settings.connectTimeout);
  }

  async #answer(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
    const url = new URL(request.url);
    if (url.searchParams.has("sid")) return await this.#engine.fetch(request, { info });
    const client = clientAt(this.#settings.paths, url.pathname);
    if (client === undefined) {
      return await this.#refuse(request, { code: "not_found", message: "No client has this path" });
    }
    const busy = this.#busy();
    if (busy) return await this.#refuse(request, busy);
    const connectionId = connectionIdOf(url);
    const credential = credentialOfRequest(request, url);
    let identity: Identity | undefined;
    if (credential !== undefined) {
      const remoteAddress = "hostname" in info.remoteAddr ? info.remoteAddr.hostname : "";
      const admission = await this.#authenticate({ credential, client, remoteAddress });
      const refusal = admission.refusal ?? this.#crowded(admission.identity, connectionId);
      if (refusal) return await this.#refuse(request, refusal);
      identity = admission.identity;
    } else if (url.searchParams.get("EIO") === "3") {
      // Such a client is in the namespace at once and has no other way to say who it is.
      return await this.#refuse(request, NO_CREDENTIAL);
    }
    const note: Note = { client, connectionId, identity };
    return await this.#engine.fetch(request, { info, note });
  }

  /** Runs for each socket that wants into the namespace. */
  async #admit(socket: UserSocket, next: Next): Promise<void> {
    const request = socket.request as unknown as EngineRequest;
    const { client, connectionId, identity: known } = request.note as Note;
    let identity = known;
    let refusal: Refusal | undefined;
    if (!identity) {
      const credential = credentialOfAuth(socket.handshake.auth);
      if (credential === undefined) refusal = NO_CREDENTIAL;
      else {
        const { remoteAddress } = request.connection;
        const admission = await this.#authenticate({ credential, client, remoteAddress });
        identity = admission.identity;
        refusal = admission.refusal ?? this.#crowded(admission.identity, connectionId);
      }
    }
    if (!identity || refusal) {
      this.#hooks.onRefused?.(refusal!.code);
      return next(refusalError(refusal!));
    }
    const connection: Connection = {
      context: identity.context,
      user: identity.user,
      client,
      id: connectionId ?? socket.id,
      socketId: socket.id,
      sessionId: identity.sessionId,
      engine: socket.conn as unknown as EngineSocket,
      next: undefined,
    };
    socket.data = connection;
    next();
  }

  #join(socket: UserSocket): void {
    const connection = socket.data as Connection;
    const { context, user, id } = connection;
    const former = this.#connections.find(context, user, id);
    if (former) this.#disconnect(former);
    this.#connections.add(connection);
    slim(socket);
    this.#hooks.onOpened?.(connection);
    if (this.#connections.size(context, user) > this.#settings.maxSocketsPerUser) {
      socket.disconnect(true);
    }
  }

  #leave(socketId: string): void {
    const connection = this.#io.sockets.sockets.get(socketId as never)?.data;
    // Absent where the middleware has just refused the socket.
    if (!isConnection(connection)) return;
    this.#backlog.forget(connection.engine);
    if (!this.#connections.remove(connection)) return;
    this.#hooks.onClosed?.(connection, connection.engine.closeReason ?? "namespace disconnect");
  }

  /** Closes a socket whose client is not to come back by itself. */
  #disconnect(connection: Connection): void {
    this.#io.sockets.sockets.get(connection.socketId as never)?.disconnect(true);
  }

  #busy(): Refusal | undefined {
    if (this.#draining) {
      return { code: "draining", message: "This node is going away", retryAfterSeconds: 1 };
    }
    if (this.#handshakes.take()) return undefined;
    return { code: "too_many_requests", message: "Too many handshakes", retryAfterSeconds: 1 };
  }

  #crowded({ context, user }: Identity, connectionId: string | undefined): Refusal | undefined {
    const { maxSocketsPerUser } = this.#settings;
    if (this.#connections.size(context, user) < maxSocketsPerUser) return undefined;
    if (connectionId !== undefined && this.#connections.find(context, user, connectionId)) {
      return undefined;
    }
    return {
      code: "too_many_requests",
      message: `A user may have ${maxSocketsPerUser} open sockets`,
    };
  }

  async #authenticate(handshake: Handshake): Promise<Admission> {
    try {
      return await this.#options.authenticate(handshake);
    } catch (error) {
      this.#options.log.error("Cannot check a session", { error: messageOf(error) });
      const code = error instanceof ServiceError ? error.code : "internal";
      return { refusal: { code, message: "The session cannot be checked now" } };
    }
  }

  async #refuse(request: Request, refusal: Refusal): Promise<Response> {
    await request.body?.cancel().catch(() => {});
    this.#hooks.onRefused?.(refusal.code);
    return refusalResponse(refusal);
  }
}

function isConnection(data: Partial<Connection> | undefined): data is Connection {
  return data?.engine !== undefined;
}

function backlogLimits(settings: RealtimeSettings) {
  return { perSocket: settings.maxBacklogBytes, total: settings.maxTotalBacklogBytes };
}
