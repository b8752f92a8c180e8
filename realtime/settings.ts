/** Settings of the realtime server. All of them may change while sockets are open. */

import type { BacklogLimits } from "./_backlog.ts";
import type { ClientPath } from "./_paths.ts";
import type { EngineLimits } from "./engine.ts";

/** Settings of the realtime server. */
export interface RealtimeSettings extends Required<EngineLimits>, BacklogLimits {
  /** The client of each path; the first filter that covers a path counts. */
  readonly paths: readonly ClientPath[];
  /** Origins besides the own host, e.g. `https://mail.example.org`; `*` allows all. */
  readonly allowedOrigins: readonly string[];
  readonly maxSocketsPerUser: number;
  /** Handshakes per second; also the burst. */
  readonly handshakesPerSecond: number;
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
