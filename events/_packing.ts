/**
 * Events as bytes: for each a line of JSON with its user, offset and clients, and a line with its
 * arguments, which are JSON already. Many events become one text, cut into a few large values at
 * any byte: a store writes those many times faster than objects.
 */

import type { LoggedEvent } from "../core/events.ts";
import { quote, withoutLineBreaks } from "../core/json.ts";

type Head = readonly [
  offset: number,
  /** Offset of the one before, relative to this one and so below 0: such numbers are short. */
  back: number,
  context: string,
  user: string,
  id: string,
  clients: readonly string[],
  /** `null` where there is none and `kept` follows. */
  except?: string | null,
  kept?: readonly string[] | null,
  /** 0 where nothing is asked for and `collapseKey` follows. */
  ack?: 0 | 1,
  collapseKey?: string,
];

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Returns the bytes of some events. */
export function packEvents(events: readonly LoggedEvent[]): Uint8Array {
  let text = "";
  for (const event of events) text += `${headOf(event)}\n${withoutLineBreaks(event.args)}\n`;
  return encoder.encode(text);
}

/** Cuts bytes into pieces of at most `maxBytes`. */
export function cutBytes(bytes: Uint8Array, maxBytes: number): readonly Uint8Array[] {
  const cuts: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += maxBytes) cuts.push(bytes.subarray(at, at + maxBytes));
  return cuts;
}

/** Returns the events in the pieces of {@link packEvents} and {@link cutBytes}. */
export function unpackEvents(pieces: readonly Uint8Array[]): readonly LoggedEvent[] {
  const text = pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") +
    decoder.decode();
  const lines = text.split("\n");
  const events: LoggedEvent[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const head: Head = JSON.parse(lines[at]!);
    const [offset, back, context, user, id, clients, except, kept, ack, collapseKey] = head;
    const previous = back < 0 ? offset + back : back; // earlier versions: absolute
    events.push({
      ...{ context, user, id, clients, args: lines[at + 1]!, offset, previous },
      ...(typeof except === "string" && { except }),
      ...(Array.isArray(kept) && { kept }),
      ...(ack === 1 && { ack: true as const }),
      ...(collapseKey !== undefined && { collapseKey }),
    });
  }
  return events;
}

function headOf(
  { offset, previous, context, user, id, clients, except, kept, ack, collapseKey }: LoggedEvent,
): string {
  const start = `[${offset},${previous - offset},${quote(context)},${quote(user)},${quote(id)}`;
  const list = clients.length === 1 ? `[${quote(clients[0]!)}]` : JSON.stringify(clients);
  if (ack || kept !== undefined || collapseKey !== undefined) {
    const end = `${JSON.stringify(except ?? null)},${JSON.stringify(kept ?? null)}`;
    const rest = collapseKey === undefined
      ? (ack ? ",1" : "")
      : `,${ack ? 1 : 0},${quote(collapseKey)}`;
    return `${start},${list},${end}${rest}]`;
  }
  return except === undefined ? `${start},${list}]` : `${start},${list},${quote(except)}]`;
}
