/**
 * The way out through open sockets. Topic and data go out as they are, as the event and its only
 * argument; there is no address, since sockets are found by user and client, on whatever node.
 */

import { asksForAcknowledgement } from "../core/delivery_options.ts";
import { ServiceError } from "../core/errors.ts";
import type { EventHub, Presence, UserEvent } from "../core/events.ts";
import { quote } from "../core/json.ts";
import type { Message } from "../core/message.ts";
import type { Notification } from "../core/notification.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Target } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";

/** What telling sockets can come to. */
export type SocketOutcome = Extract<Outcome, { kind: "sent" | "kept" | "source" | "offline" }>;

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
export function eventOf(
  { id, context, user, topic, data, sourceToken, options }: Pick<
    Notification,
    "id" | "context" | "user" | "topic" | "data" | "sourceToken" | "options"
  >,
  clients: readonly string[],
  { kept }: { readonly kept?: readonly string[] | undefined } = {},
): UserEvent {
  const name = options?.dismiss ? "dismiss" : topic;
  const event = { id, context, user, clients, args: `${quote(name)},${data}` };
  if (sourceToken === undefined && kept === undefined && options === undefined) return event;
  return {
    ...event,
    ...(sourceToken !== undefined && { except: sourceToken }),
    ...(kept !== undefined && { kept }),
    ...(asksForAcknowledgement(options) && { ack: true as const }),
  };
}

/**
 * The transport `websocket`. Delivery publishes whole batches to the hub itself; `send` is the
 * same for a single message.
 */
export function createWebsocketTransport(
  hub: Pick<EventHub, "presence" | "publish">,
): Transport {
  return {
    name: "websocket",
    traits: { maxPayloadBytes: 65_536, maxConcurrent: Infinity },
    serves: () => true,
    parseAddress() {
      throw new ServiceError(
        "invalid_token",
        "Cannot subscribe with transport websocket: opening a socket is the subscription",
      );
    },
    async send({ context, user, client }: Target, message: Message): Promise<Outcome> {
      const [present = []] = await hub.presence([{ context, user }]);
      const outcome = socketOutcome(present, { client, source: message.sourceToken });
      if (outcome.kind === "sent" || outcome.kind === "kept") {
        const data = JSON.stringify(message.data);
        await hub.publish([eventOf({ ...message, data, context, user }, [client])], {
          isRepeat: true,
        });
      }
      return outcome;
    },
    status: () => [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
