/**
 * The stage that creates the realtime server: which client opens its sockets at which path
 * (`pns-websocket-clients.yml`), the server's settings, and the metrics of its sockets.
 */

import type { Sessions } from "../auth/mod.ts";
import { type Cascade, parseWebsocketClients, type WebsocketClient } from "../cascade/mod.ts";
import { BodyDeadline } from "../core/body_deadline.ts";
import type { EventHub } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { placeOf } from "../core/file_fault.ts";
import type { Pipeline } from "../delivery/mod.ts";
import {
  type AuthenticateHandshake,
  createRealtime,
  type Realtime,
  REALTIME_DEFAULTS,
  type RealtimeHooks,
  type RealtimeSettings,
} from "../realtime/mod.ts";
import type { Foundation } from "./foundation.ts";

const FILE = "pns-websocket-clients.yml";
/** Socket.IO's client for browsers is in the package of its server. */
const CLIENT_SCRIPTS = new URL("./client-dist/", import.meta.resolve("socket.io"));

/** Used where the file is absent: the original serves App Suite at this path. */
const DEFAULT: readonly WebsocketClient[] = [
  { client: "open-xchange-appsuite", path: "/socket.io/appsuite/*", topics: ["*"] },
];

/** The clients that may open sockets, as the configuration lists them. */
export class SocketClients {
  readonly #cascade: Cascade;
  readonly #log: Log;
  #clients: readonly WebsocketClient[] = [];
  #topics: ReadonlyMap<string, readonly string[]> = new Map();

  constructor({ cascade, log }: { readonly cascade: Cascade; readonly log: Log }) {
    this.#cascade = cascade;
    this.#log = log;
    this.reload();
  }

  /** Returns the topics that are delivered to the sockets of a client. */
  interests(client: string): readonly string[] {
    return this.#topics.get(client) ?? [];
  }

  /** Returns the clients with the paths of their sockets. */
  list(): readonly Pick<WebsocketClient, "client" | "path">[] {
    return this.#clients;
  }

  /** Reads the file again. Bad entries are logged and left out. */
  reload(): void {
    const text = this.#cascade.current().file(FILE);
    const { clients, faults } = text === undefined
      ? { clients: DEFAULT, faults: [] }
      : parseWebsocketClients(FILE, text);
    for (const fault of faults) this.#log.error(fault.message, { place: placeOf(fault) });
    this.#clients = clients;
    this.#topics = new Map(clients.map(({ client, topics }) => [client, topics]));
  }

  /** Returns the settings of the realtime server from the configuration and the clients. */
  settings(): RealtimeSettings {
    const { realtime } = this.#cascade.current().settings;
    return {
      ...REALTIME_DEFAULTS,
      ...realtime,
      olderPingInterval: realtime.olderPingInterval || realtime.pingInterval,
      paths: this.#clients.map(({ client, path }) => ({ client, path })),
    };
  }
}

/** The realtime server and the deadline that its requests share with those of the API. */
export interface Sockets {
  readonly realtime: Realtime;
  readonly bodyDeadline: BodyDeadline;
}

/** Creates the realtime server. It receives no socket before HTTP is served. */
export function createSockets(
  { backend, cascade, opened, clock, random, log, metrics }: Foundation,
  { hub, clients, pipeline, sessions, admit }: {
    readonly hub: EventHub;
    readonly clients: SocketClients;
    readonly pipeline: Pick<Pipeline, "acknowledge" | "reports">;
    readonly sessions: Sessions;
    readonly admit: AuthenticateHandshake;
  },
): Sockets {
  const bodyTimeoutMs = () => cascade.current().settings.http.bodyTimeoutMs;
  const bodyDeadline = opened.use(new BodyDeadline({ clock, bodyTimeoutMs }));
  const realtime = opened.use(createRealtime({
    ...{ clock, random, log, hub, bodyDeadline, hasOtherNodes: backend.hasOthers },
    settings: clients.settings(),
    authenticate: admit,
    readClientScript: (name) => Deno.readTextFile(new URL(name, CLIENT_SCRIPTS)),
    hooks: {
      ...metricsHooks(metrics),
      onRecovered: ({ client }, event) => pipeline.acknowledge(event, client),
      onAcknowledged: (socket, event, kind) => pipeline.reports.fromSocket(event, socket, kind),
    },
  }));
  sessions.onRevoked((id) => void realtime.closeSession(id));
  return { realtime, bodyDeadline };
}

function metricsHooks(metrics: Metrics): Omit<RealtimeHooks, "onRecovered" | "onAcknowledged"> {
  return {
    onOpened: ({ client }) => metrics.count("carillon_sockets_opened_total", { client }),
    onClosed: ({ client }, reason) =>
      metrics.count("carillon_sockets_closed_total", { client, reason }),
    onResumed(_connection, { events, complete }) {
      metrics.count("carillon_sockets_resumed_total", { complete: String(complete) });
      metrics.count("carillon_sockets_replayed_total", {}, events);
    },
    onResync: ({ client }) => metrics.count("carillon_sockets_resynced_total", { client }),
    onUnknownSession: () => metrics.count("carillon_sockets_unknown_session_total", {}),
    onGap: () => metrics.count("carillon_sockets_gaps_total", {}),
    onRefused: (reason) => metrics.count("carillon_sockets_refused_total", { reason }),
  };
}
