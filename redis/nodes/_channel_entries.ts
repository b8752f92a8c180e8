/** Reads the answer of `XREAD` for a node's channel, and detects lost messages. Pure. */

import { listOf, type Reply } from "../link.ts";

/** One message of a channel. */
export interface ChannelEntry {
  readonly id: string;
  readonly kind: string;
  readonly from: string;
  /** Counts the messages from that sender to this node. */
  readonly number: number;
  readonly body: string;
}

/** Returns the entries of an answer for one stream; none if the read timed out. */
export function readEntries(reply: Reply): readonly ChannelEntry[] {
  const [stream] = listOf(reply);
  const [, entries] = listOf(stream);
  return listOf(entries).map((entry) => {
    const [id, fields] = listOf(entry);
    const [, kind, , from, , number, , body] = listOf(fields).map(String);
    return {
      id: String(id),
      kind: kind ?? "",
      from: from ?? "",
      number: Number(number),
      body: body ?? "",
    };
  });
}

/**
 * Whether messages are missing between two numbers of one sender. A late or repeated message is no
 * gap: it was reported as missing before.
 */
export function sequenceGap(before: number, number: number): boolean {
  return number > before + 1;
}

/** Whether a stream id is higher than another. */
export function isLater(id: string, other: string): boolean {
  const [ms = 0, sequence = 0] = id.split("-").map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split("-").map(Number);
  return ms !== otherMs ? ms > otherMs : sequence > otherSequence;
}
