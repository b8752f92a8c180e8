/**
 * Names of keys, and which keys share a hash slot. Buffer, presence and event log of a user are in
 * the user's partition. Its hash tag puts all its keys into one slot of a Cluster, so that one
 * script can use them all; the partitions spread over the slots. Standalone records spread over the
 * same partitions by their names.
 */

import type { UserName } from "../core/events.ts";
import { userKey } from "../core/notification.ts";

/** Part of the stored format: nodes that disagree about it must not share a Redis. */
export const PARTITIONS = 64;

/** The first part of every key. */
const PREFIX = "carillon";

/** Returns a key with a hash tag. */
export function keyIn(tag: string, ...parts: readonly (string | number)[]): string {
  return `${PREFIX}:{${tag}}:${parts.join(":")}`;
}

/** Returns the hash tag of a partition. */
export function partitionTag(partition: number): string {
  return `p${partition}`;
}

/** Returns the partition of a user. */
export function partitionOf(context: string, user: string): number {
  return partitionOfText(userKey(context, user));
}

/** Returns the partition of a text: FNV-1a over its UTF-16 units. */
export function partitionOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  // The low bits of FNV are uneven for short keys.
  hash ^= hash >>> 15;
  return (hash >>> 0) % PARTITIONS;
}

interface PartitionGroup<T> {
  readonly partition: number;
  readonly items: readonly T[];
  readonly places: readonly number[];
}

/**
 * Groups items by partition, because one command uses one partition. Groups have at most `size`
 * items, in their order.
 */
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
 * Returns the key of the claims: a hash from the id of a notification to the node that has claimed
 * it. Scripts that act for a notification check first that the claim is still the node's.
 */
export function claimsKey(partition: number): string {
  return keyIn(partitionTag(partition), "claims");
}

/**
 * Returns the key of the segments: a hash of notifications that were accepted and claimed together.
 * The first id leads to all of them, and the segment's name to the node that has claimed it.
 */
export function segmentsKey(partition: number): string {
  return keyIn(partitionTag(partition), "segments");
}

/**
 * The register of nodes: a sorted set from node id to its last heartbeat (epoch ms). A node that
 * has left has the negative time of its leaving.
 */
export const NODES_KEY = keyIn("nodes", "seen");
