/**
 * The realtime server: Socket.IO, streams of server-sent events and plain WebSockets for the clients
 * of users. It keeps an index of open sockets, admits those whose session the given function
 * accepts, and delivers the events of a user's log to them. It knows nothing of notifications.
 */

import { type DefaultEventsMap, Server, type Socket } from "socket.io";
import { ServiceError } from "../core/errors.ts";
import type { LoggedEvent, UserName } from "../core/events.ts";
import { Acknowledgements } from "./_acknowledgements.ts";
import { Backlog } from "./_backlog.ts";
import { ClientScripts } from "./_client_script.ts";
import { createConnectionAdmission } from "./_connection_admission.ts";
import { type DrainPace, drainSockets } from "./_drain.ts";
import type { EngineSocket } from "./_engine_socket.ts";
import { HandshakeGuard } from "./_handshake_guard.ts";
import { createHttpRouter } from "./_http_router.ts";
import { isSocketPath } from "./_paths.ts";
import { SessionExpiry } from "./_session_expiry.ts";
import { NoopAdapter, slimSocket, socketOf } from "./_slim_socket.ts";
import { createSocketAdmission } from "./_socket_admission.ts";
import { SocketConnection, SocketConnections } from "./_socket_connections.ts";
import { SocketFanout } from "./_socket_fanout.ts";
import { StreamServer } from "./_stream_server.ts";
import { UnknownSessions } from "./_unknown_sessions.ts";
import { Engine } from "./engine.ts";
import { isTransient, refusalError } from "./handshake.ts";
import type { Realtime, RealtimeHooks, RealtimeOptions } from "./port.ts";
import type { RealtimeSettings } from "./settings.ts";

/** Starts the realtime server; an HTTP server must call its `fetch`. */
export function createRealtime(options: RealtimeOptions): Realtime {
  return new RealtimeServer(options);
}

type ClientReport = Parameters<Realtime["acknowledge"]>[1];
type Next = (error?: Error) => void;
type Plain = DefaultEventsMap;
type UserSocket = Socket<Plain, Plain, Plain, unknown>;

class RealtimeServer implements Realtime {
  readonly #options: RealtimeOptions;
  readonly #hooks: RealtimeHooks;
  readonly #acknowledgements: Acknowledgements;
  readonly #guard: HandshakeGuard;
  readonly #engine: Engine;
  readonly #answer: Realtime["fetch"];
  readonly #io: Server<Plain, Plain, Plain, unknown>;
  readonly #connections = new SocketConnections();
  /** Sockets whose CONNECT packet is not answered yet, by their Engine.IO session. */
  readonly #connecting = new WeakMap<object, UserSocket>();
  readonly #fanout: SocketFanout;
  readonly #admitSocket: ReturnType<typeof createSocketAdmission>;
  readonly #sessions: SessionExpiry;
  readonly #backlog: Backlog;
  #settings: RealtimeSettings;

  constructor(options: RealtimeOptions) {
    const { settings, clock } = options;
    const connections = this.#connections;
    this.#options = options;
    this.#hooks = options.hooks ?? {};
    this.#settings = settings;
    const backlog = this.#backlog = new Backlog(settings);
    this.#guard = new HandshakeGuard({ ...options, connections, backlog });
    this.#sessions = new SessionExpiry({
      ...{ clock, connections },
      endSession: (connection) => this.#endSession(connection),
    });
    const onAcknowledged: RealtimeHooks["onAcknowledged"] = (...given) =>
      this.#hooks.onAcknowledged?.(...given);
    this.#acknowledgements = new Acknowledgements({ hub: options.hub, onAcknowledged });
    this.#fanout = new SocketFanout({
      ...{ ...options, connections, backlog },
      stalledAfterMs: () => this.#settings.stalledAfter,
      onExpired: (connection) => this.#endSession(connection),
      onGap: (connection) => this.#hooks.onGap?.(connection),
      onResync: (connection) => this.#hooks.onResync?.(connection),
      onRecovered: (connection, event) => this.#hooks.onRecovered?.(connection, event),
      onAskingEvent: (event) => this.#acknowledgements.remember(event),
    });
    const guard = this.#guard;
    const admission = createConnectionAdmission({
      ...{ hub: options.hub, guard, connections },
      replace: (former) => this.#replace(former),
    });
    this.#admitSocket = createSocketAdmission({ guard, admission });
    const unknown = new UnknownSessions({
      ...{ clock, log: options.log, hasOtherNodes: options.hasOtherNodes ?? false },
      onSeen: () => this.#hooks.onUnknownSession?.(),
    });
    this.#engine = new Engine({
      ...{ ...settings, clock, bodyDeadline: options.bodyDeadline },
      onUnknownSession: () => unknown.record(),
    });
    const { readClientScript } = options;
    const { heartbeats, closing } = this.#engine;
    const streams = new StreamServer({
      ...{ guard, admission, heartbeats, closing, settings: () => this.#settings },
      onRefused: ({ code }) => this.#hooks.onRefused?.(code),
      onOpened: (connection) => this.#begin(connection),
      onAcknowledged: (...given) => this.#acknowledgements.fromConnection(...given),
      onClosed: (connection) => this.#onPortClosed(connection),
    });
    this.#answer = createHttpRouter({
      ...{ guard, engine: this.#engine, streams, settings: () => this.#settings },
      scripts: readClientScript && new ClientScripts(readClientScript),
      onRefused: ({ code }) => this.#hooks.onRefused?.(code),
    });
    this.#io = new Server({
      serveClient: false,
      connectTimeout: settings.connectTimeout,
      adapter: NoopAdapter as never,
    });
    this.#io.bind(this.#engine);
    this.#io.use((socket, next) => void this.#admit(socket, next));
    this.#io.on("connection", (socket) => this.#onConnection(socket));
    (this.#io.of("/").adapter as unknown as NoopAdapter).onLeave = (id) => this.#onLeave(id);
  }

  handles(pathname: string): boolean {
    return isSocketPath(this.#settings.paths, pathname);
  }

  fetch(...given: Parameters<Realtime["fetch"]>): Promise<Response> {
    return this.#answer(...given);
  }

  deliver(event: LoggedEvent): void {
    this.#fanout.deliver(event);
  }

  sockets(): Iterable<SocketConnection> {
    return this.#connections;
  }

  *sessionIds(): Iterable<string> {
    for (const { sessionId } of this.#connections) yield sessionId;
  }

  socketsOf(user: UserName): readonly SocketConnection[] {
    return this.#connections.of(user);
  }

  recover(user: UserName): void {
    for (const connection of this.#connections.of(user)) this.#fanout.recover(connection);
  }

  async acknowledge(user: UserName, { client: named, ...report }: ClientReport): Promise<boolean> {
    const { client, refusal } = this.#guard.clientNamed(named ?? null);
    if (refusal) throw new ServiceError(refusal.code, refusal.message);
    return await this.#acknowledgements.fromRequest({ ...user, client }, report);
  }

  closeSession(sessionId: string): number {
    return this.#sessions.revoke(sessionId);
  }

  closeExpired(): number {
    return this.#sessions.endExpired();
  }

  async drain(pace: DrainPace): Promise<void> {
    this.#guard.isClosed = true;
    await drainSockets(this.#connections, { ...this.#options, ...pace });
  }

  async close(): Promise<void> {
    this.#guard.isClosed = true;
    this.#sessions.close();
    for (const { port } of this.#connections) {
      if (port.protocol === "sse" || port.protocol === "json") port.close(true);
    }
    await this.#io.close();
    this.#fanout.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats() {
    return {
      open: this.#connections.open,
      backlogBytes: this.#backlog.measure(),
      delivered: this.#fanout.delivered,
      closing: this.#engine.closing.size,
    };
  }

  configure(settings: RealtimeSettings): void {
    this.#settings = settings;
    this.#guard.configure(settings);
    this.#backlog.limits = settings;
    this.#engine.configure(settings);
    this.#io.connectTimeout(settings.connectTimeout);
  }

  /** Socket.IO's middleware: runs for each CONNECT packet. */
  async #admit(socket: UserSocket, next: Next): Promise<void> {
    const { conn } = socket;
    const first = this.#connecting.get(conn);
    if (first) {
      // A second CONNECT before the answer to the first. The official code closes the client too
      // late. Both sockets may have one id, so the first must be removed here.
      conn.close(true);
      this.#removeUnadmitted(first);
      return next(new Error("Cannot connect twice"));
    }
    this.#connecting.set(conn, socket);
    const admitted = await this.#admitSocket(socket);
    if (conn.readyState !== "open") this.#removeUnadmitted(socket);
    const { refusal } = admitted;
    if (!refusal) {
      // The CONNECT packet carries both. The rest of the official recovery is done here.
      Object.assign(socket, { pid: admitted.pid, recovered: admitted.recovered });
      return next();
    }
    this.#connecting.delete(conn);
    this.#hooks.onRefused?.(refusal.code);
    // A client that receives an error does not reconnect by itself; one that loses its transport does.
    if (isTransient(refusal)) conn.close(true);
    next(refusalError(refusal));
  }

  #onConnection(socket: UserSocket): void {
    this.#connecting.delete(socket.conn);
    const connection = socket.data as SocketConnection;
    (connection.port as EngineSocket).heartbeatListener = connection;
    slimSocket(socket, this.#acknowledgements.intercept);
    this.#begin(connection);
  }

  /** Starts delivery to a connection that was admitted and has received its CONNECT packet. */
  #begin(connection: SocketConnection): void {
    const recovery = connection.recovery!;
    recovery.state = "ready";
    this.#hooks.onOpened?.(connection);
    // Revoked after the check of the session, when this connection could not be closed yet.
    if (this.#sessions.isRevoked(connection.sessionId)) return this.#endSession(connection);
    this.#sessions.watch(connection.expiresAt);
    const { isReturn, events, needsResync } = recovery;
    if (isReturn) {
      this.#hooks.onResumed?.(connection, { events: events.length, complete: !needsResync });
    }
    this.#fanout.begin(connection);
  }

  #endSession(connection: SocketConnection): void {
    this.#fanout.sendSessionInvalid(connection);
    this.#remove(connection, false);
    this.#disconnect(connection);
  }

  #onLeave(socketId: string): void {
    const connection = socketOf(this.#io.sockets as never, socketId)?.data as unknown;
    // Absent where the middleware refused the socket at once.
    if (!(connection instanceof SocketConnection)) return;
    this.#onPortClosed(connection);
    // There is only one namespace, so the client has no use for the session any more.
    const { port } = connection;
    if (port.readyState === "open") port.close();
  }

  #onPortClosed(connection: SocketConnection): void {
    this.#backlog.abandon(connection.port);
    // A client that disconnects on purpose may return too: `connect()` often follows `disconnect()`.
    this.#remove(connection, true);
  }

  #removeUnadmitted({ data }: UserSocket): void {
    if (data instanceof SocketConnection) this.#remove(data, true);
  }

  /** Removes a connection from the index and from the hub. Idempotent. */
  #remove(connection: SocketConnection, mayReturn: boolean): void {
    if (!this.#connections.remove(connection)) return;
    const { hub } = this.#options;
    if (connection.recovery?.state === "joining") {
      // Its client has not received an answer. Where the hub gave no offset, nothing is known.
      hub.leave(connection, Math.max(0, connection.acknowledged));
      return;
    }
    hub.leave(connection, mayReturn ? connection.acknowledged : undefined);
    this.#hooks.onClosed?.(connection, connection.port.closeReason ?? "namespace disconnect");
  }

  /** Closes a socket whose client has reconnected on another one. */
  #replace(former: SocketConnection): void {
    this.#remove(former, true);
    this.#disconnect(former);
  }

  /** Closes a socket in the way after which its client does not reconnect by itself. */
  #disconnect(connection: SocketConnection): void {
    const socket = this.#io.sockets.sockets.get(connection.socketId as never);
    if (socket) socket.disconnect(true);
    else connection.port.close(true);
  }
}
