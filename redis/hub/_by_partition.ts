/** Sorts what belongs to users by partition, since one command sees one partition. */

import type { UserName } from "../../core/events.ts";
import { partitionOf } from "../keys.ts";

/** Items of one partition, and where they were among all. */
export interface PartitionGroup<T> {
  readonly partition: number;
  readonly items: readonly T[];
  readonly places: readonly number[];
}

/** Groups of at most `size`, each in the order of the items. */
export function byPartition<T extends UserName>(
  items: readonly T[],
  size: number,
): readonly PartitionGroup<T>[] {
  const groups: { partition: number; items: T[]; places: number[] }[] = [];
  const current = new Map<number, typeof groups[number]>();
  for (const [place, item] of items.entries()) {
    const partition = partitionOf(item.context, item.user);
    let group = current.get(partition);
    if (group === undefined || group.items.length >= size) {
      group = { partition, items: [], places: [] };
      current.set(partition, group);
      groups.push(group);
    }
    group.items.push(item);
    group.places.push(place);
  }
  return groups;
}
