/** Reads what `XREAD` answers of an inbox, and decides what is missing from it. Pure. */

import type { Reply } from "../link.ts";

/** One message of an inbox. */
export interface ChannelEntry {
  /** Of the stream. */
  readonly id: string;
  readonly kind: string;
  /** The node that sent it. */
  readonly from: string;
  /** The how-manieth it is of those that this node has sent here. */
  readonly number: number;
  readonly body: string;
}

/** The entries of an answer for one stream; none where there was nothing to read in time. */
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
 * Whether something is missing between two numbers of one sender. One that comes late or twice is
 * no gap; that it was missing has been noticed before.
 */
export function sequenceGap(before: number, number: number): boolean {
  return number > before + 1;
}

/** Whether a stream id is above another. */
export function isLater(id: string, other: string): boolean {
  const [ms = 0, sequence = 0] = id.split("-").map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split("-").map(Number);
  return ms !== otherMs ? ms > otherMs : sequence > otherSequence;
}

function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}
