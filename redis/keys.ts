/**
 * How keys are named, and which belong together. The buffer, presence and event log of a user are
 * in the user's partition, whose hash tag puts all of its keys into one slot of a Cluster, so that
 * one script can see them all; the partitions spread over the slots. Records that are alone in their
 * commits are spread over the same partitions by their names.
 */

import type { UserName } from "../core/events.ts";
import { userKey } from "../core/notification.ts";

/** Part of the data's format: nodes that disagree about it must not share a Redis. */
export const PARTITIONS = 64;

/** First part of every key. */
const PREFIX = "carillon";

/** A key within a hash tag. */
export function keyIn(tag: string, ...parts: readonly (string | number)[]): string {
  return `${PREFIX}:{${tag}}:${parts.join(":")}`;
}

/** The hash tag of a partition. */
export function partitionTag(partition: number): string {
  return `p${partition}`;
}

/** The partition of a user. */
export function partitionOf(context: string, user: string): number {
  return partitionOfText(userKey(context, user));
}

/** The partition of what a text names: FNV-1a over its UTF-16 units. */
export function partitionOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  // The low bits of FNV of short keys are uneven.
  hash ^= hash >>> 15;
  return (hash >>> 0) % PARTITIONS;
}

/** Items of one partition, and where they were among all. */
interface PartitionGroup<T> {
  readonly partition: number;
  readonly items: readonly T[];
  readonly places: readonly number[];
}

/** Groups of at most `size`, each in the order of the items. */
export function groupByPartition<T extends UserName>(
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

/**
 * Who delivers what: a hash from the id of a notification that was handed over to the node that
 * has it. Whatever acts for a notification looks here first whether it is still this node's.
 */
export function claimsKey(partition: number): string {
  return keyIn(partitionTag(partition), "claims");
}

/**
 * The nodes: a sorted set from node id to the time of its last sign of life (epoch ms); of one that
 * has left, the time when it did, below zero.
 */
export const NODES_KEY = keyIn("nodes", "seen");
