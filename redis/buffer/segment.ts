/**
 * A segment: notifications that were accepted in one call and claimed by their node at once. They
 * are one field of a hash, and their claim is another, whose name says how many they are. A segment
 * is settled as a whole, or it is split: its notifications become items with claims of their own,
 * and everything else that can happen to a notification happens to those. Splitting what is not
 * there any more changes nothing.
 */

import { ID_LENGTH } from "../../core/ids.ts";
import type { Notification } from "../../core/notification.ts";
import { parseNotification } from "./_codec.ts";
import type { EncodedNotification } from "./_encoding.ts";

/** A segment of this node. */
export interface ClaimedSegment {
  /** Its first id, `+` and the number of its notifications: the field that has the claim. */
  readonly name: string;
  readonly size: number;
  /** Monotonic milliseconds at which a part of it could have been settled first. */
  heldSince?: number;
  /** It is not settled as a whole any more. */
  isSplit: boolean;
}

/** Returns the segment of notifications that are accepted together. */
export function segmentOf(encoded: readonly EncodedNotification[]): ClaimedSegment {
  const size = encoded.length;
  return { name: `${encoded[0]!.notification.id}+${size}`, size, isSplit: false };
}

/** Returns the stored form: for each its id and its body, which has three lines. */
export function formatSegment(encoded: readonly EncodedNotification[]): string {
  return encoded.map(({ notification: { id }, body }) => `${id}\n${body}`).join("\n");
}

/** Returns the notifications of a field of the hash; none where it has a claim. */
export function parseSegment(field: string, text: string): readonly Notification[] {
  if (field.length > ID_LENGTH) return [];
  const lines = text.split("\n");
  return Array.from({ length: lines.length / 4 }, (_, at) => {
    const [id, ...body] = lines.slice(4 * at, 4 * at + 4);
    return parseNotification(id!, body.join("\n"));
  });
}

/**
 * Splits a segment of a node. Uses the keys `segments`, `items`, `claims` and `claimers`.
 */
export const SPLIT = String.raw`
local function split(name, node)
  if redis.call('HGET', segments, name) ~= node then return end
  local first = string.sub(name, 1, ${ID_LENGTH})
  local text = redis.call('HGET', segments, first) .. '\n'
  -- Deletes first, because they need no memory: once it has written, Redis lets a script write on.
  redis.call('HDEL', segments, first, name)
  local bodies, owners = {}, {}
  for id, body in string.gmatch(text, '([^\n]*)\n([^\n]*\n[^\n]*\n[^\n]*)\n') do
    bodies[#bodies + 1], owners[#owners + 1] = id, id
    bodies[#bodies + 1], owners[#owners + 1] = body, node
  end
  redis.call('HSET', items, unpack(bodies))
  redis.call('HSET', claims, unpack(owners))
  redis.call('SADD', claimers, node)
end
`;
