/** Changes that belong together, packed into as few commits as the store's limits allow. */

import type { Commit, StoreKey, StoreTraits } from "../core/store.ts";

/** The changes that set records. */
export type Sets = NonNullable<Commit["sets"]>;

/** Changes that must land in one commit, and what to do when they have or have not. */
export interface CommitPart {
  readonly sets: Sets;
  readonly deletes: readonly StoreKey[];
  /** An upper estimate of what the sets weigh. */
  readonly bytes: number;
  done(): void;
  failed(thrown: unknown): void;
}

/** What keys and framing add to one change. */
export const CHANGE_BYTES = 160;

/** The weight of small records that are not packed. */
export function bytesOfSets(sets: Sets): number {
  return sets.reduce((sum, { value }) => sum + JSON.stringify(value).length + CHANGE_BYTES, 0);
}

/** Groups parts, in order, so that each group fits in one commit. */
export function packParts<T extends Pick<CommitPart, "sets" | "deletes" | "bytes">>(
  parts: readonly T[],
  { maxCommitChanges, maxCommitBytes }: StoreTraits,
): readonly (readonly T[])[] {
  const groups: T[][] = [];
  let changes = Infinity;
  let bytes = Infinity;
  for (const part of parts) {
    const partChanges = part.sets.length + part.deletes.length;
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
