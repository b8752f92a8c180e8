/** Settings of the realtime server. All of them may change while sockets are open. */

import type { ClientPath } from "./_paths.ts";

/** Settings of the realtime server. */
export interface RealtimeSettings {
  /** The client of each path; the first filter that covers a path counts. */
  readonly paths: readonly ClientPath[];
  /** Origins besides the own host, e.g. `https://mail.example.org`; `*` allows all. */
  readonly allowedOrigins: readonly string[];
  /** Milliseconds, for sockets opened from then on. */
  readonly pingInterval: number;
  /** The same for clients of Socket.IO 2, whose pings acknowledge what they received. */
  readonly olderPingInterval: number;
  /**
   * Milliseconds from an event to an early ping, for clients of Socket.IO 3.0 to 4.5 that name
   * their connection; 0: none.
   */
  readonly askAfter: number;
  /** Milliseconds, for sockets opened from then on. */
  readonly pingTimeout: number;
  readonly maxSocketsPerUser: number;
  /** Handshakes per second; also the burst. */
  readonly handshakesPerSecond: number;
  /** Bytes of the largest message that a client may send. */
  readonly maxMessageBytes: number;
  /** Bytes that may wait for one peer. Events use half of it, and stay in the log beyond. */
  readonly maxBacklogBytes: number;
  /** Bytes that may wait for all peers. */
  readonly maxTotalBacklogBytes: number;
  /** Milliseconds after which a client of server-sent events is to reconnect. */
  readonly streamRetry: number;
  /** Milliseconds after which a peer is dropped that takes nothing of what waits for it. */
  readonly stalledAfter: number;
  /** Milliseconds that a client has to connect to the namespace. */
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
  streamRetry: 2_000,
  stalledAfter: 10_000,
  connectTimeout: 10_000,
};
