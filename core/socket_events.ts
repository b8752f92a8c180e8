/**
 * Builds the event that a notification becomes for a user's sockets, and determines its outcome
 * from their presence. Pure: the hub publishes the event.
 */

import { asksForAcknowledgement } from "./delivery_options.ts";
import type { Presence, UserEvent } from "./events.ts";
import { quote } from "./json.ts";
import type { Notification } from "./notification.ts";
import type { Outcome } from "./outcome.ts";

type SocketOutcome = Extract<Outcome, { kind: "sent" | "kept" | "source" | "offline" }>;

const SENT: SocketOutcome = { kind: "sent" };
const KEPT: SocketOutcome = { kind: "kept" };
const SOURCE: SocketOutcome = { kind: "source" };
const OFFLINE: SocketOutcome = { kind: "offline" };

const NO_CLIENTS: readonly string[] = [];

/** Returns the clients that a user's sockets belong to, each once. */
export function clientsOf(present: readonly Presence[]): readonly string[] {
  const [first] = present;
  if (first === undefined) return NO_CLIENTS;
  if (present.every(({ client }) => client === first.client)) return [first.client];
  return [...new Set(present.map(({ client }) => client))];
}

/** Returns the outcome of an event for the sockets of one client, once it is in the user's log. */
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
 * Builds the event of a notification for the sockets of these clients.
 *
 * @param options.kept the clients among them whose outcome is "kept"; absent where there are none
 */
export function userEventOf(
  { id, context, user, topic, data, sourceToken, collapseKey, options, traceparent }: Omit<
    Notification,
    "priority" | "acceptedAt" | "expiresAt"
  >,
  clients: readonly string[],
  { kept }: { readonly kept?: readonly string[] | undefined } = {},
): UserEvent {
  const name = options?.dismiss ? "dismiss" : topic;
  const event = { id, context, user, clients, args: `${quote(name)},${data}` };
  if (
    sourceToken === undefined && kept === undefined && options === undefined &&
    collapseKey === undefined && traceparent === undefined
  ) return event;
  return {
    ...event,
    ...(sourceToken !== undefined && { except: sourceToken }),
    ...(kept !== undefined && { kept }),
    ...(collapseKey !== undefined && { collapseKey }),
    ...(asksForAcknowledgement(options) && { ack: true as const }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
