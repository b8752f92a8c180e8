/** What callers of one commit give to the log, grouped so that each group fits in one commit. */

import type { Notification } from "../core/notification.ts";
import type { Sets } from "./_commit_parts.ts";
import type { Encoded } from "./segment.ts";

/** What one caller gives, and how it is told what became of it. */
export interface Append {
  readonly items: readonly Encoded[];
  readonly notifications: readonly Notification[];
  readonly sets: Sets;
  readonly bytes: number;
  /** @param isOwn false where another process has taken them over already */
  resolve(isOwn: boolean): void;
  reject(thrown: unknown): void;
}

/**
 * Groups of callers, in order. Narrow and wide ones are kept apart: cut into one text with a wide
 * one, a narrow one takes twice what it takes alone.
 */
export function groupAppends(
  appends: readonly Append[],
  maxBytes: number,
): readonly (readonly Append[])[] {
  const groups: Append[][] = [];
  let bytes = Infinity;
  let wide = false;
  for (const append of appends) {
    const isWide = append.items.some((item) => item.wide);
    bytes += append.bytes;
    if (bytes > maxBytes || isWide !== wide) {
      groups.push([]);
      bytes = append.bytes;
      wide = isWide;
    }
    groups.at(-1)!.push(append);
  }
  return groups;
}
