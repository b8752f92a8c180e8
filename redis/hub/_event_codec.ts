/**
 * Encodes events, as entries of a log and as messages between nodes. A message has two lines per
 * event: its fields as JSON, and its arguments as they are, which avoids escaping them twice. It
 * leaves out for which clients an event was kept, because a client that was away reads it from the
 * log. Pure.
 */

import type { LoggedEvent, UserEvent, UserName } from "../../core/events.ts";
import { withoutLineBreaks } from "../../core/json.ts";
import type { Reply } from "../link.ts";

type Audience = Pick<UserEvent, "clients" | "except" | "kept" | "ack" | "collapseKey">;

/** Encodes who receives an event and how, as the log stores it: nearly always just the clients. */
export function formatAudience({ clients, except, kept, ack, collapseKey }: Audience): string {
  if (collapseKey !== undefined) {
    return JSON.stringify([clients, except ?? null, kept ?? null, ack ? 1 : 0, collapseKey]);
  }
  if (ack) return JSON.stringify([clients, except ?? null, kept ?? null, 1]);
  if (kept !== undefined) return JSON.stringify([clients, except ?? null, kept]);
  return JSON.stringify(except === undefined ? clients : [clients, except]);
}

/** Reads the result of {@link formatAudience}. */
export function parseAudience(text: string): Audience {
  const audience = JSON.parse(text);
  if (!Array.isArray(audience[0])) return { clients: audience };
  const [clients, except, kept, ack, collapseKey] = audience;
  return {
    clients,
    ...(typeof except === "string" && { except }),
    ...(Array.isArray(kept) && { kept }),
    ...(ack === 1 && { ack: true as const }),
    ...(typeof collapseKey === "string" && { collapseKey }),
  };
}

/** Reads an entry of a log: the offset of the event before it, and the event, in lines. */
export function parseEntry({ context, user }: UserName, entry: Reply): LoggedEvent {
  const [id, [, text]] = entry as readonly [string, readonly [string, string]];
  const [previous, eventId, audience] = text.split("\n", 3) as [string, string, string];
  return {
    id: eventId,
    context,
    user,
    ...parseAudience(audience),
    args: text.slice(previous.length + eventId.length + audience.length + 3),
    offset: Number(id.slice(0, id.indexOf("-"))),
    previous: Number(previous),
  };
}

/** Encodes a message of events. */
export function formatEvents(events: readonly LoggedEvent[]): string {
  return events.map((event) => {
    const { id, context, user, clients, args, offset, previous } = event;
    const { except, traceparent, ack, collapseKey } = event;
    // What is absent at the end is left out. An earlier version reads `null` as the id of no socket.
    const rest = [except, traceparent, ack && 1, collapseKey];
    while (rest.length > 0 && rest.at(-1) === undefined) rest.pop();
    const fields = [id, context, user, offset, previous, clients, ...rest];
    return `${JSON.stringify(fields)}\n${withoutLineBreaks(args)}`;
  }).join("\n");
}

/** Reads a message of events. */
export function parseEvents(body: string): readonly LoggedEvent[] {
  const lines = body.split("\n");
  const events: LoggedEvent[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [id, context, user, offset, previous, clients, ...rest] = JSON.parse(lines[at]!);
    const [except, traceparent, ack, collapseKey] = rest;
    events.push({
      ...{ id, context, user, clients },
      args: lines[at + 1]!,
      ...(typeof except === "string" && { except }),
      ...(typeof traceparent === "string" && { traceparent }),
      ...(ack === 1 && { ack: true as const }),
      ...(typeof collapseKey === "string" && { collapseKey }),
      ...{ offset, previous },
    });
  }
  return events;
}
