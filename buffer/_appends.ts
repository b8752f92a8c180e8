/** What callers of one commit give to the log, grouped so that each group fits in one commit. */

import type { Notification } from "../core/notification.ts";
import type { Sets } from "./_commit_parts.ts";
import type { ItemText } from "./_stored_items.ts";

/** What one caller gives, and how it is told what became of it. */
export interface Append {
  /** The notifications as they are stored. */
  readonly items: readonly ItemText[];
  readonly notifications: readonly Notification[];
  readonly sets: Sets;
  readonly bytes: number;
  /** @param isOwn false where another process has taken them over already */
  resolve(isOwn: boolean): void;
  reject(thrown: unknown): void;
}

/** Groups of callers, in order. */
export function groupAppends(
  appends: readonly Append[],
  maxBytes: number,
): readonly (readonly Append[])[] {
  const groups: Append[][] = [];
  let bytes = Infinity;
  for (const append of appends) {
    bytes += append.bytes;
    if (bytes > maxBytes) {
      groups.push([]);
      bytes = append.bytes;
    }
    groups.at(-1)!.push(append);
  }
  return groups;
}
