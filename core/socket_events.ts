/**
 * Turns a notification into an event for a user's sockets, and says what becomes of it at them. Pure:
 * the hub in `events/` or `redis/` publishes the event.
 */

import type { Presence, UserEvent } from "./events.ts";
import { quote } from "./json.ts";
import type { Notification } from "./notification.ts";
import type { Outcome } from "./outcome.ts";

/** What telling sockets can come to. */
type SocketOutcome = Extract<Outcome, { kind: "sent" | "kept" | "source" | "offline" }>;

const SENT: SocketOutcome = { kind: "sent" };
const KEPT: SocketOutcome = { kind: "kept" };
const SOURCE: SocketOutcome = { kind: "source" };
const OFFLINE: SocketOutcome = { kind: "offline" };

/** What an event comes to at a user's sockets of one client, once it is in the user's log. */
export function socketOutcome(
  present: readonly Presence[],
  { client, source }: { readonly client: string; readonly source: string | undefined },
): SocketOutcome {
  let outcome = OFFLINE;
  for (const socket of present) {
    if (socket.client !== client) continue;
    if (source !== undefined && (socket.id === source || socket.socketId === source)) {
      if (outcome === OFFLINE) outcome = SOURCE;
    } else if (socket.open) return SENT;
    else outcome = KEPT;
  }
  return outcome;
}

/**
 * A notification as the sockets of these clients are told of it.
 *
 * @param options.kept those of them for which it came to "kept"; absent where there are none
 */
export function userEventOf(
  { id, context, user, topic, data, sourceToken }: Pick<
    Notification,
    "id" | "context" | "user" | "topic" | "data" | "sourceToken"
  >,
  clients: readonly string[],
  { kept }: { readonly kept?: readonly string[] | undefined } = {},
): UserEvent {
  const event = { id, context, user, clients, args: `${quote(topic)},${data}` };
  if (sourceToken === undefined && kept === undefined) return event;
  return {
    ...event,
    ...(sourceToken !== undefined && { except: sourceToken }),
    ...(kept !== undefined && { kept }),
  };
}
