/** Sends a test message to one subscription, past buffer and lanes, for `…/{id}/test`. */

import type { Clock } from "../core/clock.ts";
import type { IdSource } from "../core/ids.ts";
import type { Message } from "../core/message.ts";
import type { Notification } from "../core/notification.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Subscription, Target, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import { targetOf } from "./subscriptions.ts";

const TIMEOUT_MS = 15_000;

/** See the file's comment. */
export function createTestSend(
  { transports, ids, clock, generate }: {
    readonly transports: ReadonlyMap<TransportName, Transport>;
    readonly ids: IdSource;
    readonly clock: Clock;
    readonly generate: (notification: Notification, target: Target) => Message | Promise<Message>;
  },
): (subscription: Subscription) => Promise<Outcome> {
  return async (subscription) => {
    const { context, user, client, transport: name } = subscription;
    const transport = transports.get(name)!;
    if (!transport.serves(client)) {
      return { kind: "misconfigured", reason: `${name} has no options for ${client}` };
    }
    const target = targetOf(subscription);
    const message = await generate({
      ...{ id: ids(), context, user, topic: "carillon:test", acceptedAt: clock.now() },
      priority: "high",
      data: JSON.stringify({ title: "Carillon", message: "This is a test. Your bell rings." }),
    }, target);
    return await transport.send(target, message, AbortSignal.timeout(TIMEOUT_MS));
  };
}
