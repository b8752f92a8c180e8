/**
 * The transport for open sockets. The topic becomes the event's name and the data its only
 * argument. There is no address: the hub finds the sockets by user and client, on any node.
 */

import { ServiceError } from "../core/errors.ts";
import type { EventHub } from "../core/events.ts";
import type { Message } from "../core/message.ts";
import type { Outcome } from "../core/outcome.ts";
import { socketOutcome, userEventOf } from "../core/socket_events.ts";
import type { Target } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";

/**
 * Creates the transport `websocket`. Delivery publishes batches to the hub directly; `send` is for
 * a single message.
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
        await hub.publish([userEventOf({ ...message, data, context, user }, [client])], {
          isRepeat: true,
        });
      }
      return outcome;
    },
    preview(_target, { topic, data }) {
      const body = JSON.stringify([topic, data]);
      const bytes = new TextEncoder().encode(body).length;
      return { kind: "rendered", body, bytes, maxBytes: 65_536, shortened: [] };
    },
    status: () => [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
