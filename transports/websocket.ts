/**
 * The way out through open sockets. Topic and data go out as they are, as the event and its only
 * argument; there is no address, since sockets are found by user and client.
 */

import { ServiceError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import type { Message } from "../core/message.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Target } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";

/** The part of the socket server that this transport needs. */
export interface SocketHub {
  /** Sends an event to the sockets that a user has open with a client; says to how many. */
  emit(
    to: { readonly context: string; readonly user: string; readonly client: string },
    event: string,
    args: readonly Json[],
    exceptConnection?: string,
  ): {
    /** Sockets that were handed the event. */
    readonly sent: number;
    /** Sockets left out because they caused it. */
    readonly source: number;
    /** Sockets given up because their peer does not read. */
    readonly dropped: number;
  };
}

/** The transport `websocket`. It answers at once; nothing here waits for a peer. */
export function createWebsocketTransport(hub: SocketHub): Transport {
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
    send({ context, user, client }: Target, message: Message): Outcome {
      const to = { context, user, client };
      const { topic, data, sourceToken } = message;
      const { sent, source, dropped } = hub.emit(to, topic, [data], sourceToken);
      if (sent > 0) return { kind: "sent" };
      if (dropped > 0) return { kind: "rejected", reason: "the peer does not read" };
      return source > 0 ? { kind: "source" } : { kind: "offline" };
    },
    status: () => [],
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
