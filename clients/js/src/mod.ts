/**
 * A typed client of Carillon. Publishers and back ends use {@link Carillon}, apps and pages
 * {@link stream}; Web Push is in `@carillon/client/web-push`.
 *
 * @module
 */

export {
  Carillon,
  type CarillonOptions,
  type LedgerRecord,
  type MintedSession,
  type Notification,
  type PublishOptions,
  type Subscribe,
  type Subscribed,
} from "./client.ts";
export { CarillonError, type Problem } from "./errors.ts";
export type { components, operations, paths } from "./schema.ts";
export { stream, type StreamEvent, type StreamOptions, type StreamState } from "./stream.ts";
