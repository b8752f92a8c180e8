/** The realtime server and its options. `engine.ts` can be used alone. */

export type { Admission, AuthenticateHandshake, Handshake } from "./handshake.ts";
export type {
  PeerListener,
  PeerSocket,
  Realtime,
  RealtimeHooks,
  RealtimeOptions,
  StreamSink,
  StreamSource,
  TakenHandshake,
} from "./port.ts";
export { createRealtime } from "./realtime.ts";
export { REALTIME_DEFAULTS, type RealtimeSettings } from "./settings.ts";
