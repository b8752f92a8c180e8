/** The realtime server and its options. `engine.ts` can be used alone. */

export type { DrainPace } from "./_drain.ts";
export type { ClientPath } from "./_paths.ts";
export type {
  Admission,
  AuthenticateHandshake,
  Handshake,
  HandshakeRefusal,
  SocketIdentity,
} from "./handshake.ts";
export type { Realtime, RealtimeHooks, RealtimeOptions, SocketOwner } from "./port.ts";
export { createRealtime } from "./realtime.ts";
export { REALTIME_DEFAULTS, type RealtimeSettings } from "./settings.ts";
