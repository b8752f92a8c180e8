/**
 * What nodes tell each other when one of them has changed a record that others may have in
 * memory. Nothing here is needed for being right in the end: what is in memory also ages.
 */

import { isJsonObject } from "./json.ts";

/** One change that others should know of. */
export type Change =
  | { readonly kind: "attributes"; readonly context: string; readonly user?: string }
  | { readonly kind: "subscriptions"; readonly context: string; readonly user: string }
  | { readonly kind: "apiKeys" }
  | { readonly kind: "session"; readonly id: string }
  /** Changes may have been missed: whatever is in memory may be old. */
  | { readonly kind: "unknown" };

/** The way between nodes. */
export interface ChangeFeed {
  /** Tells all other nodes; never rejects, and is tried again for as long as it makes sense. */
  publish(change: Change): void;
  /** Calls back for every change that another node has announced. */
  onChange(listener: (change: Change) => void): void;
}

/** One change as another node wrote it. What a newer version of the service means is unknown. */
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
      return { kind };
    default:
      return UNKNOWN;
  }
}

const UNKNOWN: Change = { kind: "unknown" };

/** The feed of a node that is alone. */
export const NO_CHANGE_FEED: ChangeFeed = { publish() {}, onChange() {} };
