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
  /** Milliseconds; holds for sockets opened from then on. */
  readonly pingTimeout: number;
  readonly maxSocketsPerUser: number;
  /** Handshakes per second, and at once. */
  readonly handshakesPerSecond: number;
  /** Bytes of the largest message taken from a client. */
  readonly maxMessageBytes: number;
  /** Bytes waiting for one peer above which it is given up. */
  readonly maxBacklogBytes: number;
  /** Bytes waiting for all peers above which the furthest behind are given up. */
  readonly maxTotalBacklogBytes: number;
  /** Milliseconds that the body of a request may take to arrive. */
  readonly bodyTimeout: number;
  /** Milliseconds that a client has to enter the namespace. */
  readonly connectTimeout: number;
}

/** The defaults: the original's path, ping times and limit of sockets. */
export const REALTIME_DEFAULTS: RealtimeSettings = {
  paths: [{ client: "open-xchange-appsuite", path: "/socket.io/appsuite/*" }],
  allowedOrigins: [],
  pingInterval: 25_000,
  pingTimeout: 60_000,
  maxSocketsPerUser: 8,
  handshakesPerSecond: 1000,
  maxMessageBytes: 100_000,
  maxBacklogBytes: 256 * 1024,
  maxTotalBacklogBytes: 64 * 1024 * 1024,
  bodyTimeout: 30_000,
  connectTimeout: 10_000,
};
