/**
 * How events travel between nodes, and to which. A message is two lines per event: what is known of
 * it as JSON, and its arguments as they are, which saves escaping them twice. For whom an event was
 * kept is left out: whoever was away reads it from the log. Pure.
 */

import type { LoggedEvent } from "../../core/events.ts";
import { nodesOf, type PresenceView } from "./_presence_records.ts";
import type { Appended } from "./event_log.ts";

/** The events for each node that holds open sockets of their users. */
export function byNode(
  appended: readonly Appended[],
  view: PresenceView,
): ReadonlyMap<string, readonly LoggedEvent[]> {
  const nodes = new Map<string, LoggedEvent[]>();
  for (const { event, presences } of appended) {
    for (const node of nodesOf(presences, view)) {
      const events = nodes.get(node);
      if (events) events.push(event);
      else nodes.set(node, [event]);
    }
  }
  return nodes;
}

/** A message of events. */
export function formatEvents(events: readonly LoggedEvent[]): string {
  return events.map(({ id, context, user, clients, except, ack, args, offset, previous }) => {
    const known: unknown[] = [id, context, user, offset, previous, clients];
    if (ack) known.push(except ?? null, 1);
    else if (except !== undefined) known.push(except);
    // A break in JSON is nothing but a space.
    return `${JSON.stringify(known)}\n${args.includes("\n") ? args.replaceAll("\n", " ") : args}`;
  }).join("\n");
}

/** Reads a message of events. */
export function parseEvents(body: string): readonly LoggedEvent[] {
  const lines = body.split("\n");
  const events: LoggedEvent[] = [];
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const [id, context, user, offset, previous, clients, except, ack] = JSON.parse(lines[at]!);
    events.push({
      ...{ id, context, user, clients },
      args: lines[at + 1]!,
      ...(typeof except === "string" && { except }),
      ...(ack === 1 && { ack: true as const }),
      ...{ offset, previous },
    });
  }
  return events;
}
