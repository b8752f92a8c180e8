/**
 * The realtime server: Socket.IO for the clients of users, on Deno's own WebSockets. It keeps
 * the index of who is connected, lets clients in as far as the function it was given says so,
 * and tells a user's sockets what their log has for them. It knows nothing of notifications.
 */

import { type DefaultEventsMap, Server, type Socket } from "socket.io";
import type { BodyDeadline } from "../core/body_deadline.ts";
import type { Clock, Timer } from "../core/clock.ts";
import type { EventHub, LocalSockets, LoggedEvent, UserName } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { Acknowledgements } from "./_acknowledgements.ts";
import { Backlog } from "./_backlog.ts";
import { SocketConnection, SocketConnections } from "./_socket_connections.ts";
import { HandshakeGuard } from "./_handshake_guard.ts";
import { type DrainPace, drainSockets } from "./_drain.ts";
import { createSocketAdmission } from "./_socket_admission.ts";
import { NoopAdapter, slimSocket, socketOf } from "./_slim_socket.ts";
import { isOriginAllowed, preflight, withCors } from "../core/origins.ts";
import { isSocketPath } from "./_paths.ts";
import { SocketFanout } from "./_socket_fanout.ts";
import { UnknownSessions } from "./_unknown_sessions.ts";
import { Engine, type EngineLimits } from "./engine.ts";
import type { RealtimeHooks } from "./hooks.ts";
import {
  type AuthenticateHandshake,
  type HandshakeRefusal,
  refusalError,
  refusalResponse,
} from "./handshake.ts";
import type { RealtimeSettings } from "./settings.ts";

/** What the realtime server is made of. */
export interface RealtimeOptions {
  readonly settings: RealtimeSettings;
  readonly authenticate: AuthenticateHandshake;
  /** Where sockets take their seats. It is started with this server as its local sockets. */
  readonly hub: Pick<EventHub, "join" | "leave" | "readMissed">;
  readonly clock: Clock;
  readonly log: Log;
  /** 0 (inclusive) to 1 (exclusive). */
  readonly random: () => number;
  readonly hooks?: RealtimeHooks;
  /** Bounds how long a long-polling post may take to arrive; absent: for ever. */
  readonly bodyDeadline?: BodyDeadline;
  /** Whether there may be other nodes that clients reach by the same address. */
  readonly hasOtherNodes?: boolean;
}

/** The realtime server. */
export interface Realtime extends AsyncDisposable, LocalSockets {
  /** Whether a path belongs here, known to serve a client or not. */
  handles(pathname: string): boolean;
  /** Answers handshakes, polls and WebSocket upgrades. Never throws. */
  fetch(request: Request, info: Deno.ServeHandlerInfo): Promise<Response>;
  /** Tells the sockets of a revoked session `session:invalid` and closes them; how many. */
  closeSession(sessionId: string): number;
  /** Does the same for sessions that have ended by themselves; to be called now and then. */
  closeExpired(): number;
  /** Refuses new sockets and closes the open ones a few per second, so that clients go elsewhere. */
  drain(pace: DrainPace): Promise<void>;
  /** Closes everything at once. */
  close(): Promise<void>;
  stats(): {
    readonly open: ReadonlyMap<string, number>;
    readonly backlogBytes: number;
    /** How often a socket was told an event. */
    readonly delivered: number;
    /** WebSockets that were closed here and whose peers have not answered. */
    readonly closing: number;
  };
  /** Settings to be used from now on. */
  configure(settings: RealtimeSettings): void;
}

/** Starts the realtime server; `fetch` must be called by an HTTP server. */
export function createRealtime(options: RealtimeOptions): Realtime {
  return new RealtimeServer(options);
}

type Next = (error?: Error) => void;
type Plain = DefaultEventsMap;
type UserSocket = Socket<Plain, Plain, Plain, unknown>;

/** What may be over in a moment: nothing that a client is to be told, but that it comes back. */
const PASSING: ReadonlySet<HandshakeRefusal["code"]> = new Set([
  "store_unavailable",
  "draining",
  "internal",
]);
/** Between two looks for sessions that have ended. */
const SWEEP_PAUSE_MS = 1_000;
/** No client takes longer from the check of its session to its place among the open sockets. */
const JOINED_WITHIN_MS = 120_000;

class RealtimeServer implements Realtime {
  readonly #options: RealtimeOptions;
  readonly #hooks: RealtimeHooks;
  readonly #door: HandshakeGuard;
  readonly #engine: Engine;
  readonly #io: Server<Plain, Plain, Plain, unknown>;
  readonly #connections = new SocketConnections();
  /** Whose CONNECT is being answered. */
  readonly #entering = new WeakMap<object, UserSocket>();
  readonly #teller: SocketFanout;
  readonly #acknowledgements: Acknowledgements;
  readonly #enter: ReturnType<typeof createSocketAdmission>;
  /** Sessions that were revoked lately, and when by the monotonic clock. */
  readonly #revoked = new Map<string, number>();
  readonly #backlog: Backlog;
  #settings: RealtimeSettings;
  #sweep: Timer | undefined;
  /** Epoch milliseconds. */
  #sweepAt = Infinity;
  #isClosing = false;

  constructor(options: RealtimeOptions) {
    const { settings, clock } = options;
    this.#options = options;
    this.#hooks = options.hooks ?? {};
    this.#settings = settings;
    this.#backlog = new Backlog(backlogLimits(settings));
    this.#door = new HandshakeGuard({
      ...options,
      connections: this.#connections,
      backlog: this.#backlog,
    });
    this.#acknowledgements = new Acknowledgements({
      hub: options.hub,
      onAcknowledged: (...given) => this.#hooks.onAcknowledged?.(...given),
    });
    this.#teller = new SocketFanout({
      ...options,
      connections: this.#connections,
      backlog: this.#backlog,
      stalledAfterMs: () => this.#settings.stalledAfter,
      onExpired: (connection) => this.#end(connection),
      onGap: (connection) => this.#hooks.onGap?.(connection),
      onResync: (connection) => this.#hooks.onResync?.(connection),
      onCaughtUp: (connection, event) => this.#hooks.onRecovered?.(connection, event),
      onAsking: (event) => this.#acknowledgements.remember(event),
    });
    this.#enter = createSocketAdmission({
      ...{ hub: options.hub, guard: this.#door, connections: this.#connections },
      replace: (former) => this.#replace(former),
    });
    const unknown = new UnknownSessions({
      ...{ clock, log: options.log, hasOtherNodes: options.hasOtherNodes ?? false },
      onSeen: () => this.#hooks.onUnknownSession?.(),
    });
    this.#engine = new Engine({
      ...engineLimits(settings),
      clock,
      bodyDeadline: options.bodyDeadline,
      onUnknownSession: () => unknown.note(),
    });
    this.#io = new Server({
      serveClient: false,
      connectTimeout: settings.connectTimeout,
      adapter: NoopAdapter as never,
    });
    this.#io.bind(this.#engine);
    this.#io.use((socket, next) => void this.#admit(socket, next));
    this.#io.on("connection", (socket) => this.#join(socket));
    (this.#io.of("/").adapter as unknown as NoopAdapter).onLeave = (id) => this.#leave(id);
  }

  handles(pathname: string): boolean {
    return isSocketPath(this.#settings.paths, pathname);
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

  deliver(event: LoggedEvent): void {
    this.#teller.deliver(event);
  }

  sockets(): Iterable<SocketConnection> {
    return this.#connections;
  }

  socketsOf(user: UserName): readonly SocketConnection[] {
    return this.#connections.of(user);
  }

  recover(user: UserName): void {
    for (const connection of this.#connections.of(user)) this.#teller.recover(connection);
  }

  closeSession(sessionId: string): number {
    this.#revoked.set(sessionId, this.#options.clock.monotonic());
    return this.#invalidate((each) => each.sessionId === sessionId);
  }

  closeExpired(): number {
    const { clock } = this.#options;
    for (const [sessionId, at] of this.#revoked) {
      if (clock.monotonic() - at > JOINED_WITHIN_MS) this.#revoked.delete(sessionId);
    }
    const now = clock.now();
    return this.#invalidate((each) => each.expiresAt <= now);
  }

  /** Has sessions end on time, however many there are: a sweep a second at most. */
  #expireAt(expiresAt: number): void {
    if (expiresAt >= this.#sweepAt) return;
    const { clock } = this.#options;
    this.#sweep?.cancel();
    this.#sweepAt = Math.max(expiresAt, clock.now() + SWEEP_PAUSE_MS);
    this.#sweep = clock.after(this.#sweepAt - clock.now(), () => {
      this.#sweepAt = Infinity;
      this.closeExpired();
      let next = Infinity;
      for (const each of this.#connections) next = Math.min(next, each.expiresAt);
      this.#expireAt(next);
    });
  }

  async drain(pace: DrainPace): Promise<void> {
    this.#door.isClosed = true;
    const { clock, random } = this.#options;
    await drainSockets(this.#connections, { ...pace, clock, random });
  }

  async close(): Promise<void> {
    this.#door.isClosed = true;
    this.#isClosing = true;
    this.#sweep?.cancel();
    await this.#io.close();
    this.#teller.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  stats() {
    const { delivered } = this.#teller;
    const closing = this.#engine.closing.size;
    return {
      open: this.#connections.open,
      backlogBytes: this.#backlog.measure(),
      delivered,
      closing,
    };
  }

  configure(settings: RealtimeSettings): void {
    this.#settings = settings;
    this.#door.configure(settings);
    this.#backlog.limits = backlogLimits(settings);
    this.#engine.configure(engineLimits(settings));
    this.#io.connectTimeout(settings.connectTimeout);
  }

  async #answer(request: Request, info: Deno.ServeHandlerInfo): Promise<Response> {
    // As the engine has it: of several the last one counts, and an empty one opens a session, which
    // nobody may without having knocked.
    if (new URL(request.url).searchParams.getAll("sid").at(-1)) {
      return await this.#engine.fetch(request, { info });
    }
    const context = await this.#door.checkHandshake(request, info);
    if (context.refusal) return await this.#refuse(request, context.refusal);
    return await this.#engine.fetch(request, { info, context });
  }

  /** One function for all sockets, so that none needs its own. */
  readonly #intercept = ({ data }: { data?: unknown }, packet: unknown): boolean =>
    data instanceof SocketConnection && this.#acknowledgements.receive(data, packet);

  /** Socket.IO's middleware. */
  async #admit(socket: UserSocket, next: Next): Promise<void> {
    const { conn } = socket;
    const first = this.#entering.get(conn);
    if (first) {
      // A second CONNECT before the first was answered: later the official code closes the client.
      // Both may have one id, so nobody else finds the place of the first.
      conn.close(true);
      this.#partOf(first);
      return next(new Error("Cannot connect twice"));
    }
    this.#entering.set(conn, socket);
    const entered = await this.#enter(socket);
    if (conn.readyState !== "open") this.#partOf(socket);
    const { refusal } = entered;
    if (!refusal) {
      // Sent in the CONNECT packet; all that the official recovery would do besides is done here.
      Object.assign(socket, { pid: entered.pid, recovered: entered.recovered });
      return next();
    }
    this.#entering.delete(conn);
    this.#hooks.onRefused?.(refusal.code);
    // A client that is told why does not come back by itself; one that loses its transport does.
    if (PASSING.has(refusal.code)) conn.close(true);
    next(refusalError(refusal));
  }

  #join(socket: UserSocket): void {
    this.#entering.delete(socket.conn);
    const connection = socket.data as SocketConnection;
    const behind = connection.recovery!;
    behind.state = "ready";
    connection.engine.heartbeatListener = connection;
    slimSocket(socket, this.#intercept);
    this.#hooks.onOpened?.(connection);
    // Revoked after it was checked, and before it was here to be closed.
    if (this.#revoked.has(connection.sessionId)) {
      return void this.#invalidate((each) => each === connection);
    }
    this.#expireAt(connection.expiresAt);
    const { isReturn, events, isTorn } = behind;
    if (isReturn) {
      this.#hooks.onResumed?.(connection, { events: events.length, complete: !isTorn });
    }
    this.#teller.begin(connection);
  }

  #invalidate(hasEnded: (connection: SocketConnection) => boolean): number {
    const ended = [...this.#connections].filter(hasEnded);
    for (const connection of ended) this.#end(connection);
    return ended.length;
  }

  /** Its session is over. */
  #end(connection: SocketConnection): void {
    this.#teller.sendSessionInvalid(connection);
    this.#part(connection, false);
    this.#disconnect(connection);
  }

  #leave(socketId: string): void {
    const connection = socketOf(this.#io.sockets as never, socketId)?.data as unknown;
    // Absent where the middleware has refused the socket at once.
    if (!(connection instanceof SocketConnection)) return;
    const { engine } = connection;
    this.#backlog.abandon(engine);
    // Also where it has said goodbye: `disconnect()` is often followed by `connect()`.
    this.#part(connection, true);
    // There is no other namespace that it could be in.
    if (engine.readyState === "open") engine.close();
  }

  /** What a socket that never came in leaves. */
  #partOf({ data }: UserSocket): void {
    if (data instanceof SocketConnection) this.#part(data, true);
  }

  /** Takes a connection out of the index and from its seat; idempotent. */
  #part(connection: SocketConnection, returns: boolean): void {
    if (!this.#connections.remove(connection)) return;
    const { hub } = this.#options;
    if (connection.recovery?.state === "joining") {
      // It has not heard that it was in. Where the hub did not say where it is, nor do we know.
      hub.leave(connection, Math.max(0, connection.acknowledged));
      return;
    }
    hub.leave(connection, returns ? connection.acknowledged : undefined);
    this.#hooks.onClosed?.(connection, connection.engine.closeReason ?? "namespace disconnect");
  }

  /** Closes a socket whose client is back on another one. */
  #replace(former: SocketConnection): void {
    this.#part(former, true);
    this.#disconnect(former);
  }

  /** Closes a socket whose client is not to come back by itself. */
  #disconnect(connection: SocketConnection): void {
    const socket = this.#io.sockets.sockets.get(connection.socketId as never);
    if (socket) socket.disconnect(true);
    else connection.engine.close(true);
  }

  async #refuse(request: Request, refusal: HandshakeRefusal): Promise<Response> {
    await request.body?.cancel().catch(() => {});
    this.#hooks.onRefused?.(refusal.code);
    return refusalResponse(refusal);
  }
}

function engineLimits(settings: RealtimeSettings): EngineLimits {
  const { pingInterval, olderPingInterval, askAfter, pingTimeout, maxMessageBytes } = settings;
  return { pingInterval, olderPingInterval, askAfter, pingTimeout, maxPayload: maxMessageBytes };
}

function backlogLimits(settings: RealtimeSettings) {
  return { perSocket: settings.maxBacklogBytes, total: settings.maxTotalBacklogBytes };
}
