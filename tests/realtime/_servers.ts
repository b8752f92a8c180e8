/** Servers on a free port, and WebSocket peers that keep their messages until a test reads them. */

import assert from "node:assert/strict";
import { Server } from "socket.io";
import { systemClock } from "../../core/clock.ts";
import type { EventHub } from "../../core/events.ts";
import type { Json } from "../../core/json.ts";
import { silentLog } from "../../core/log.ts";
import { LocalHub } from "../../events/mod.ts";
import { Engine, type EngineOptions } from "../../realtime/engine.ts";
import {
  type Admission,
  createRealtime,
  type Realtime,
  REALTIME_DEFAULTS,
  type RealtimeOptions,
  type RealtimeSettings,
} from "../../realtime/mod.ts";
import type { StreamListener } from "../../service/stream_listener.ts";
import { type FakeClock, settle } from "../support/fake_clock.ts";

/** An HTTP server under test. Closes what it serves before itself. */
export interface Served extends AsyncDisposable {
  /** E.g. `127.0.0.1:12345`. */
  readonly host: string;
  http(path: string, init?: RequestInit): Promise<Response>;
  peer(path: string): Peer;
}

/** The ping times of the official suites, short enough to wait for heartbeats. */
export const SHORT = { pingInterval: 300, pingTimeout: 200 };

/** Ping times longer than any test. */
const LONG = { pingInterval: 60_000, pingTimeout: 60_000 };

type Handler = Realtime["fetch"];

/** Listeners of the second port that servers are to take in place of `Deno.serve`, one each. */
export const secondPorts: StreamListener[] = [];

function listenerFor(handler: Handler, port: number) {
  const second = port === 0 ? secondPorts.shift() : undefined;
  if (second) {
    second.open({ handles: () => true, fetch: handler });
    return { port: second.address.port, close: () => second[Symbol.asyncDispose]() };
  }
  const server = Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, handler);
  return { port: server.addr.port, close: () => server.shutdown() };
}

/** Serves a handler. */
export function serve(
  handler: Handler,
  stop: () => void | Promise<void>,
  port = 0,
): Served {
  const listener = listenerFor(handler, port);
  const host = `127.0.0.1:${listener.port}`;
  const peers: Peer[] = [];
  return {
    host,
    http: (path, init) => fetch(`http://${host}${path}`, init),
    peer(path) {
      const peer = new Peer(`ws://${host}${path}`);
      peers.push(peer);
      return peer;
    },
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.close();
      await stop();
      await Promise.all(peers.map((peer) => peer.closed));
      await listener.close();
    },
  };
}

/** The engine alone, sending every message back. */
export function serveEcho(
  options: Partial<EngineOptions> = {},
  port = 0,
): Served & { engine: Engine } {
  const engine = new Engine({ clock: systemClock, maxMessageBytes: 1e6, ...LONG, ...options });
  engine.on("connection", (socket) => socket.on("data", (data: string) => socket.send(data)));
  const served = serve((request, info) => engine.fetch(request, { info }), () => {
    engine.close();
  }, port);
  return Object.assign(served, { engine });
}

/** The official Socket.IO server on the engine, as the official suite wants it. */
export function serveSocketIo(
  { connectTimeout = 60_000, ...times }:
    & { connectTimeout?: number }
    & Partial<typeof SHORT> = {},
  port = 0,
): Served {
  const engine = new Engine({ clock: systemClock, maxMessageBytes: 1e6, ...LONG, ...times });
  const io = new Server({ serveClient: false, connectTimeout });
  io.bind(engine as never);
  for (const namespace of [io.of("/"), io.of("/custom")]) {
    namespace.on("connection", (socket) => {
      socket.emit("auth", socket.handshake.auth);
      socket.on("message", (...args) => socket.emit("message-back", ...args));
      socket.on("message-with-ack", (...args) => args.pop()(...args));
    });
  }
  return serve((request, info) => engine.fetch(request, { info }), () => io.close(), port);
}

/** The identity for a session token of the tests, `user@context`, or a refusal. */
export function admit(credential: string): Admission {
  const [user, context] = credential.split("@");
  if (!user || !context) {
    return { refusal: { code: "unauthenticated", message: "Unknown session" } };
  }
  return { identity: { context, user, sessionId: credential } };
}

/** The user and client that an event is for; the client of the original's path by default. */
export interface Audience {
  readonly context: string;
  readonly user: string;
  readonly client?: string;
}

/** A realtime server under test, with a hub of its own. */
export interface ServedRealtime extends Served {
  readonly realtime: Realtime;
  readonly hub: EventHub;
  /** Publishes an event; returns how many sockets received it at once. */
  publish(
    to: Audience,
    event: string,
    args?: readonly Json[],
    except?: string,
  ): number;
  /** Clients of a user's open sockets, sorted. */
  clientsOf(context: string, user: string): readonly string[];
}

/** Options of a realtime server under test. */
export interface RealtimeOverrides extends Partial<Omit<RealtimeOptions, "hub">> {
  /** Is started here, and closed by the test. */
  readonly hub?: EventHub;
}

/** The realtime server with sessions like `7@1`, user 7 of context 1. */
export function serveRealtime(
  settings: Partial<RealtimeSettings> = {},
  options: RealtimeOverrides = {},
  port = 0,
): ServedRealtime {
  const { clock = systemClock } = options;
  const resume = { windowMs: 120_000, maxEventsPerUser: 500, maxBytes: 2 ** 26 };
  const hub = options.hub ??
    new LocalHub({ clock, log: silentLog, settings: () => resume });
  const realtime = createRealtime({
    settings: { ...REALTIME_DEFAULTS, ...settings },
    authenticate: ({ credential }) => Promise.resolve(admit(credential)),
    log: silentLog,
    random: Math.random,
    ...{ ...options, clock, hub },
  });
  const started = hub.start(realtime);
  const handler: Handler = async (request, info) => {
    await started;
    return await realtime.fetch(request, info);
  };
  let events = 0;
  async function stop() {
    await realtime.close();
    if (!options.hub) await hub[Symbol.asyncDispose]();
  }
  return Object.assign(serve(handler, stop, port), {
    ...{ realtime, hub },
    publish(
      to: Audience,
      event: string,
      args: readonly Json[] = [],
      except?: string,
    ) {
      const { context, user, client = "open-xchange-appsuite" } = to;
      const before = realtime.stats().delivered;
      void hub.publish([{
        ...{ context, user, id: `${events++}`, clients: [client] },
        args: JSON.stringify([event, ...args]).slice(1, -1),
        ...(except !== undefined && { except }),
      }], { isRepeat: false });
      return realtime.stats().delivered - before;
    },
    clientsOf: (context: string, user: string) =>
      [...new Set(realtime.socketsOf({ context, user }).map(({ client }) => client))].sort(),
  });
}

/** An event's frame without the offset at its end, which only newer clients receive. */
export function withoutOffset(frame: string): string {
  assert.match(frame, /,"\d{16}"\]$/);
  return frame.replace(/,"\d{16}"\]$/, "]");
}

/** A raw WebSocket that keeps its messages until a test reads them. */
export class Peer {
  /** Resolves once the connection has ended, opened or not. */
  readonly closed: Promise<CloseEvent>;
  readonly opened: Promise<void>;
  readonly #socket: WebSocket;
  readonly #messages: (string | ArrayBuffer)[] = [];
  #waiting: ((message: string | ArrayBuffer) => void) | undefined;

  constructor(url: string) {
    this.#socket = new WebSocket(url);
    this.#socket.binaryType = "arraybuffer";
    const closed = Promise.withResolvers<CloseEvent>();
    const opened = Promise.withResolvers<void>();
    this.closed = closed.promise;
    this.opened = opened.promise;
    this.#socket.onopen = () => opened.resolve();
    this.#socket.onerror = (event) => event.preventDefault();
    this.#socket.onclose = (event) => closed.resolve(event);
    this.#socket.onmessage = ({ data }) => {
      if (!this.#waiting) return void this.#messages.push(data);
      this.#waiting(data);
      this.#waiting = undefined;
    };
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  close(): void {
    this.#socket.close();
  }

  /** Resolves to the next message, text or bytes. */
  next(): Promise<string | ArrayBuffer> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => void (this.#waiting = resolve));
  }

  /** Resolves to the next text that is no ping of the server. */
  async text(): Promise<string> {
    for (;;) {
      const message = await this.next();
      if (message !== "2") return message as string;
    }
  }
}

/** The open packet at the front of a payload. */
export function openPacketOf(payload: string) {
  return JSON.parse(payload.slice(payload.indexOf("{"), payload.indexOf("}") + 1));
}

/** Opens a polling session; its id. */
export async function openPolling(served: Served, path: string): Promise<string> {
  const response = await served.http(path);
  return openPacketOf(await response.text()).sid;
}

/** Publishes until 64 KiB wait for a peer. The kernel takes some megabytes before anything does. */
export async function fillBacklog(
  served: Pick<ServedRealtime, "publish" | "realtime">,
  { clock, user, topic }: {
    readonly clock: FakeClock;
    readonly user: Parameters<ServedRealtime["publish"]>[0];
    readonly topic: string;
  },
): Promise<void> {
  const bytes = 64 * 1024;
  for (let waiting = 0; waiting < bytes;) {
    served.publish(user, topic, ["x".repeat(bytes)]);
    await settle();
    await clock.advance(50);
    waiting = served.realtime.stats().backlogBytes;
  }
}
