/**
 * What the processors run: for each due notification, who wants it, may have it, and how it gets
 * there. Open sockets are told at once; stored addresses go through their lanes, which this does
 * not wait for, so that no provider can keep a processor busy.
 */

import type { TargetRecord } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import { messageOf } from "../core/errors.ts";
import type { Clock } from "../core/clock.ts";
import type { Message } from "../core/message.ts";
import type { Notification } from "../core/notification.ts";
import type { Outcome } from "../core/outcome.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { Courier } from "./courier.ts";
import type { Ledger } from "./ledger.ts";
import { type Permissions, plan } from "./plan.ts";

/** Who wants a notification. Answers at once where everything it needs is in memory. */
export interface Matching {
  match(notification: Notification): readonly Target[] | Promise<readonly Target[]>;
  /** Brings what many users subscribe to into memory with few look-ups. */
  prefetch(users: readonly Pick<Notification, "context" | "user">[]): Promise<void> | void;
}

/** One state of the configuration, kept for a whole job. */
export interface ConfigurationSnapshot {
  view(context: string, user: string): Permissions | Promise<Permissions>;
}

/** What dispatching needs. */
export interface DispatchOptions {
  readonly matching: Matching;
  readonly configuration: () => ConfigurationSnapshot;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  /** Whether a client has options for a transport, usable or not. */
  readonly serves: (transport: TransportName, client: string) => boolean;
  readonly courier: Courier;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
}

/** Handles a batch; see the file's comment. */
export function createDispatch(options: DispatchOptions) {
  const { matching, configuration, transports, courier, ledger, clock, log, serves } = options;

  function dispatch(
    notification: Notification,
    targets: readonly Target[],
    permissions: Permissions,
  ): void {
    if (targets.length === 0) return ledger.settle(notification, [], { reason: "no_subscription" });
    const known: TargetRecord[] = [];
    const pending: Target[] = [];
    for (const step of plan(notification, targets, { permissions, serves })) {
      if (!step.send) known.push(record(step.target, step.state, step.reason));
      else if (step.target.subscriptionId === undefined) known.push(tellSockets(step.target));
      else pending.push(step.target);
    }
    if (pending.length === 0) return ledger.settle(notification, known);
    ledger.begin(notification, known, pending.length);
    for (const target of pending) void deliver(notification, target);

    function tellSockets(target: Target): TargetRecord {
      const message = socketMessage(notification);
      const signal = NEVER_ABORTED;
      const outcome = transports.get(target.transport)!.send(target, message, signal) as Outcome;
      const reason = "reason" in outcome ? outcome.reason : undefined;
      return record(target, outcome.kind === "sent" ? "sent" : socketState(outcome), reason);
    }
  }

  async function deliver(notification: Notification, target: Target): Promise<void> {
    try {
      ledger.attempted(notification, await courier.deliver(notification, target));
    } catch (thrown) {
      // The store is away. The notification stays in the log and is delivered after a restart.
      log.error("an attempt could not be written down", {
        id: notification.id,
        reason: messageOf(thrown),
      });
    }
  }

  function record(target: Target, state: TargetRecord["state"], reason?: string): TargetRecord {
    const { client, transport, subscriptionId } = target;
    return {
      client,
      transport,
      ...(subscriptionId !== undefined && { subscription: subscriptionId }),
      state,
      ...(reason !== undefined && { reason }),
      at: clock.now(),
    };
  }

  return async (batch: readonly Notification[]): Promise<void> => {
    const snapshot = configuration();
    let prefetched = false;
    for (const [index, notification] of batch.entries()) {
      const { context, user, expiresAt } = notification;
      if (expiresAt !== undefined && clock.now() >= expiresAt) {
        ledger.settle(notification, [], { state: "expired", reason: "ttl" });
        continue;
      }
      const targets = matching.match(notification);
      // The first one that is not in memory brings the rest of the batch along.
      if (targets instanceof Promise && !prefetched) {
        prefetched = true;
        await matching.prefetch(batch.slice(index));
      }
      const view = snapshot.view(context, user);
      if (targets instanceof Promise || view instanceof Promise) {
        dispatch(notification, await targets, await view);
      } else dispatch(notification, targets, view);
    }
  };
}

const NEVER_ABORTED = new AbortController().signal;

/** Sockets get topic and data as they are; there is nothing to generate. */
function socketMessage({ id, topic, data, priority, sourceToken }: Notification): Message {
  return {
    id,
    topic,
    data,
    priority,
    silent: true,
    ...(sourceToken !== undefined && { sourceToken }),
  };
}

function socketState(outcome: Outcome): TargetRecord["state"] {
  return outcome.kind === "source"
    ? "source"
    : outcome.kind === "rejected"
    ? "rejected"
    : "offline";
}
