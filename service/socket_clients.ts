/** Which clients open sockets where, and which topics reach them: `pns-websocket-clients.yml`. */

import {
  type Cascade,
  parseWebsocketClients,
  placeOf,
  type Settings,
  type WebsocketClient,
} from "../cascade/mod.ts";
import type { Log } from "../core/log.ts";
import { REALTIME_DEFAULTS, type RealtimeSettings } from "../realtime/mod.ts";

const FILE = "pns-websocket-clients.yml";

/** Without a file, the App Suite is served as the original serves it. */
const DEFAULT: readonly WebsocketClient[] = [
  { client: "open-xchange-appsuite", path: "/socket.io/appsuite/*", topics: ["*"] },
];

/** The clients as the configuration has them. */
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

  all(): readonly WebsocketClient[] {
    return this.#clients;
  }

  /** The topics that the sockets of a client are told of. */
  interests(client: string): readonly string[] {
    return this.#topics.get(client) ?? [];
  }

  /** Reads the file anew; bad entries are logged and left out. */
  reload(): readonly WebsocketClient[] {
    const text = this.#cascade.current().file(FILE);
    const { clients, faults } = text === undefined
      ? { clients: DEFAULT, faults: [] }
      : parseWebsocketClients(FILE, text);
    for (const fault of faults) this.#log.error(fault.message, { place: placeOf(fault) });
    this.#clients = clients;
    this.#topics = new Map(clients.map(({ client, topics }) => [client, topics]));
    return clients;
  }
}

/** The realtime server's settings as the operator has them. */
export function realtimeSettings(
  { realtime }: Settings,
  clients: readonly WebsocketClient[],
): RealtimeSettings {
  return {
    ...REALTIME_DEFAULTS,
    paths: clients.map(({ client, path }) => ({ client, path })),
    allowedOrigins: realtime.allowedOrigins,
    pingInterval: realtime.pingIntervalMs,
    olderPingInterval: realtime.olderPingIntervalMs || realtime.pingIntervalMs,
    askAfter: realtime.askAfterMs,
    pingTimeout: realtime.pingTimeoutMs,
    maxSocketsPerUser: realtime.maxSocketsPerUser,
    handshakesPerSecond: realtime.handshakesPerSecond,
    maxMessageBytes: realtime.maxMessageBytes,
    maxBacklogBytes: realtime.maxBacklogBytes,
    maxTotalBacklogBytes: realtime.maxTotalBacklogBytes,
    stalledAfter: realtime.stalledAfterMs,
  };
}
