/**
 * What nodes tell each other when one of them has changed a record that others may have in
 * memory. Nothing here is needed for being right in the end: what is in memory also ages.
 */

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
  announce(change: Change): void;
  /** Calls back for every change that another node has announced. */
  onChange(listener: (change: Change) => void): void;
}

/** The feed of a node that is alone. */
export const NO_OTHERS: ChangeFeed = { announce() {}, onChange() {} };
