/** The realtime server and what is needed to set it up; `engine.ts` can be used alone. */

export type { ClientPath } from "./_paths.ts";
export type { Admission, Authenticate, Handshake, Identity, Refusal } from "./handshake.ts";
export {
  type Audience,
  createRealtime,
  type EmitResult,
  type Realtime,
  type RealtimeHooks,
  type RealtimeOptions,
} from "./realtime.ts";
export { REALTIME_DEFAULTS, type RealtimeSettings } from "./settings.ts";
