/** What can be set about sockets. All of it may change while sockets are open. */

import type { ClientPath } from "./_paths.ts";

/** Settings of the realtime server. */
export interface RealtimeSettings {
  /** Which client each path serves; the first that covers a path counts. */
  readonly paths: readonly ClientPath[];
  /** Origins beyond the own host, e.g. `https://mail.example.org`; `*` allows all. */
  readonly allowedOrigins: readonly string[];
  /** Milliseconds; holds for sockets opened from then on. */
  readonly pingInterval: number;
  /** The same for clients of Socket.IO 2, which say by their pings how far they got. */
  readonly olderPingInterval: number;
  /**
   * Milliseconds from an event to an extra ping, for clients from 3.0 on that come back by a name; 0:
   * none.
   */
  readonly askAfter: number;
  /** Milliseconds; holds for sockets opened from then on. */
  readonly pingTimeout: number;
  readonly maxSocketsPerUser: number;
  /** Handshakes per second, and at once. */
  readonly handshakesPerSecond: number;
  /** Bytes of the largest message taken from a client. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for one peer; events take half of it, and stay in the log beyond. */
  readonly maxBacklogBytes: number;
  /** Bytes that may wait for all peers. */
  readonly maxTotalBacklogBytes: number;
  /** Milliseconds after which a peer is given up that has taken nothing of what waits for it. */
  readonly stalledAfter: number;
  /** Milliseconds that a client has to enter the namespace. */
  readonly connectTimeout: number;
}

/** The defaults: the original's path, ping times and limit of sockets. */
export const REALTIME_DEFAULTS: RealtimeSettings = {
  paths: [{ client: "open-xchange-appsuite", path: "/socket.io/appsuite/*" }],
  allowedOrigins: [],
  pingInterval: 25_000,
  olderPingInterval: 25_000,
  askAfter: 1_000,
  pingTimeout: 60_000,
  maxSocketsPerUser: 8,
  handshakesPerSecond: 1000,
  maxMessageBytes: 100_000,
  maxBacklogBytes: 256 * 1024,
  maxTotalBacklogBytes: 64 * 1024 * 1024,
  stalledAfter: 10_000,
  connectTimeout: 10_000,
};
