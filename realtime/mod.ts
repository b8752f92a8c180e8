/** The realtime server and what is needed to set it up; `engine.ts` can be used alone. */

export type { DrainPace } from "./_drain.ts";
export type { ClientPath } from "./_paths.ts";
export type {
  Admission,
  AuthenticateHandshake,
  Handshake,
  HandshakeRefusal,
  SocketIdentity,
} from "./handshake.ts";
export type { RealtimeHooks, SocketOwner } from "./hooks.ts";
export { createRealtime, type Realtime, type RealtimeOptions } from "./realtime.ts";
export { REALTIME_DEFAULTS, type RealtimeSettings } from "./settings.ts";
