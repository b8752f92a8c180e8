/** Packs changes that belong together into as few commits as the store's limits allow. Pure. */

import type { Commit, StoreKey, StoreTraits } from "../core/store.ts";
import { estimateBytes } from "../core/stored_size.ts";

/** The changes that set records. */
export type Sets = NonNullable<Commit["sets"]>;

/** What changes take of a commit. */
interface CommitSize {
  readonly sets: Sets;
  readonly deletes?: readonly StoreKey[];
  /** An upper estimate of the bytes of the sets. */
  readonly bytes: number;
}

/** Changes that must land in one commit, and callbacks for its success and failure. */
export interface CommitPart extends CommitSize {
  readonly deletes: readonly StoreKey[];
  done(): void;
  failed(thrown: unknown): void;
}

/** Bytes that keys and framing add to one change. */
export const CHANGE_BYTES = 160;

/** Estimates the bytes of small records that are stored as they are. */
export function bytesOfSets(sets: Sets): number {
  return sets.reduce((sum, { value }) => sum + estimateBytes(value) + CHANGE_BYTES, 0);
}

/** Groups parts, in order, so that each group fits in one commit. */
export function packParts<T extends CommitSize>(
  parts: readonly T[],
  { maxCommitChanges, maxCommitBytes }: StoreTraits,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let changes = Infinity;
  let bytes = Infinity;
  for (const part of parts) {
    const partChanges = part.sets.length + (part.deletes?.length ?? 0);
    if (changes + partChanges > maxCommitChanges || bytes + part.bytes > maxCommitBytes) {
      groups.push([]);
      changes = bytes = 0;
    }
    groups.at(-1)!.push(part);
    changes += partChanges;
    bytes += part.bytes;
  }
  return groups;
}
