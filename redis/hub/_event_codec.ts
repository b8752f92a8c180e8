/**
 * CODEC
 */

import type { LoggedEvent, UserEvent, UserName } from "../../core/events.ts";
import type { Reply } from "../link.ts";

type About = Pick<UserEvent, "clients" | "except" | "kept">;

/** Whom an event is for, as it is stored beside its arguments: nearly always the clients alone. */
export function formatAbout({ clients, except, kept }: About): string {
  if (kept !== undefined) return JSON.stringify([clients, except ?? null, kept]);
  return JSON.stringify(except === undefined ? clients : [clients, except]);
}

/** Reads what {@link formatAbout} has written. */
export function readAbout(text: string): About {
  const about = JSON.parse(text);
  if (!Array.isArray(about[0])) return { clients: about };
  const [clients, except, kept] = about;
  return {
    clients,
    ...(typeof except === "string" && { except }),
    ...(kept !== undefined && { kept }),
  };
}

/** Reads what the script has made of an event: the offset before it, and the event, in lines. */
export function readEntry({ context, user }: UserName, entry: Reply): LoggedEvent {
  const [id, [, text]] = entry as readonly [string, readonly [string, string]];
  const [previous, eventId, about] = text.split("\n", 3) as [string, string, string];
  return {
    id: eventId,
    context,
    user,
    ...readAbout(about),
    args: text.slice(previous.length + eventId.length + about.length + 3),
    offset: Number(id.slice(0, id.indexOf("-"))),
    previous: Number(previous),
  };
}

/** A message of events. */
export function formatEvents(events: readonly LoggedEvent[]): string {
  return events.map(({ id, context, user, clients, except, args, offset, previous }) => {
    const known = [id, context, user, offset, previous, clients];
    if (except !== undefined) known.push(except);
    // A break in JSON is nothing but a space.
    return `${JSON.stringify(known)}\n${args.includes("\n") ? args.replaceAll("\n", " ") : args}`;
  }).join("\n");
}

/** Reads a message of events. */
export function parseEvents(body: string): readonly LoggedEvent[] {
  const lines = body.split("\n");
  const events: LoggedEvent[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [id, context, user, offset, previous, clients, except] = JSON.parse(lines[at]!);
    events.push({
      ...{ id, context, user, clients },
      args: lines[at + 1]!,
      ...(except !== undefined && { except }),
      ...{ offset, previous },
    });
  }
  return events;
}
