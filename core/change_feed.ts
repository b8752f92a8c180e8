/**
 * The port through which a node publishes that it changed a record which other nodes may cache. A
 * lost message delays a change but loses nothing: caches also expire.
 */

import { isJsonObject } from "./json.ts";

/** One change to a record that other nodes may cache. */
export type Change =
  | { readonly kind: "attributes"; readonly context: string; readonly user?: string }
  | { readonly kind: "subscriptions"; readonly context: string; readonly user: string }
  | { readonly kind: "apiKeys" }
  | { readonly kind: "session"; readonly id: string }
  /** Not a change: asks the other nodes for their reports, see `core/node_report.ts`. */
  | { readonly kind: "report" }
  /** Changes may have been missed: every cached record may be outdated. */
  | { readonly kind: "unknown" };

/** Publishes changes to other nodes and receives theirs. */
export interface ChangeFeed {
  /** Sends a change to all other nodes. Retries in the background and never throws. */
  publish(change: Change): void;
  /** Calls `listener` for every change that another node publishes. */
  onChange(listener: (change: Change) => void): void;
}

/** Parses a change of another node. A kind that only a newer version knows becomes `unknown`. */
export function readChange(value: unknown): Change {
  if (!isJsonObject(value)) return UNKNOWN;
  const { kind, context, user, id } = value;
  switch (kind) {
    case "attributes":
      if (typeof context !== "string") return UNKNOWN;
      return { kind, context, ...typeof user === "string" && { user } };
    case "subscriptions":
      if (typeof context !== "string" || typeof user !== "string") return UNKNOWN;
      return { kind, context, user };
    case "session":
      return typeof id === "string" ? { kind, id } : UNKNOWN;
    case "apiKeys":
    case "report":
      return { kind };
    default:
      return UNKNOWN;
  }
}

const UNKNOWN: Change = { kind: "unknown" };

/** The feed of a single node: it sends and receives nothing. */
export const NO_CHANGE_FEED: ChangeFeed = { publish() {}, onChange() {} };
