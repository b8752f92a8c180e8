/**
 * What the processors run: for each due notification, who wants it, may have it, and how it gets
 * there. What sockets are told goes to the hub as one batch and is in the users' event logs before
 * anything is settled; stored addresses go through their lanes, which this does not wait for, so
 * that no provider can keep a processor busy.
 */

import type { Handover } from "../buffer/mod.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub, Presence, UserEvent } from "../core/events.ts";
import type { TargetRecord } from "../core/ledger.ts";
import type { Log } from "../core/log.ts";
import type { Clock } from "../core/clock.ts";
import type { Notification } from "../core/notification.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import { eventOf, socketOutcome } from "../transports/websocket.ts";
import type { Sender } from "./sender.ts";
import type { Ledger } from "./ledger.ts";
import { type Permissions, plan } from "./plan.ts";

/** Who wants a notification. Answers at once where everything it needs is in memory. */
export interface Matching {
  /** `connected`: the clients that the user has sockets with. */
  match(
    notification: Notification,
    connected: readonly string[],
  ): readonly Target[] | Promise<readonly Target[]>;
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
  readonly sockets: Pick<EventHub, "presence" | "publish">;
  readonly configuration: () => ConfigurationSnapshot;
  /** Whether a client has options for a transport, usable or not. */
  readonly serves: (transport: TransportName, client: string) => boolean;
  readonly sender: Sender;
  readonly ledger: Ledger;
  /** Gives a notification back that could not be dealt with. */
  readonly release: (id: string) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A notification that is planned and not begun. */
interface Planned {
  readonly notification: Notification;
  readonly isWanted: boolean;
  readonly known: readonly TargetRecord[];
  readonly pending: readonly Target[];
  /** Epoch milliseconds at which the pending ones are attempted; absent: at once. */
  readonly heldUntil?: number | undefined;
}

/** Handles a batch; see the file's comment. Rejects, and has settled none, where the hub is away. */
export function createDispatch(options: DispatchOptions) {
  const { matching, sockets, configuration, sender, ledger, release, clock, log, serves } = options;

  /** What is to be done about one notification; what its sockets are told is added to `events`. */
  function prepare(
    notification: Notification,
    { targets, permissions, present, events, now }: {
      readonly targets: readonly Target[];
      readonly permissions: Permissions;
      readonly present: readonly Presence[];
      readonly events: UserEvent[];
      readonly now: number;
    },
  ): Planned {
    let known: readonly TargetRecord[] = NO_RECORDS;
    let pending: readonly Target[] = NO_TARGETS;
    let told: readonly string[] | undefined;
    let kept: readonly string[] | undefined;
    for (const step of plan(notification, targets, { permissions, serves })) {
      const { target } = step;
      if (!step.send) known = [...known, record(target, { ...step, at: now })];
      else if (target.subscriptionId !== undefined) pending = [...pending, target];
      else {
        const { client } = target;
        const { kind } = socketOutcome(present, { client, source: notification.sourceToken });
        if (kind === "sent" || kind === "kept") told = told ? [...told, client] : [client];
        if (kind === "kept") kept = kept ? [...kept, client] : [client];
        known = [...known, record(target, { state: kind, at: now })];
      }
    }
    if (told) events.push(eventOf(notification, told, { kept }));
    const isWanted = targets.length > 0;
    const after = notification.options?.escalateAfterMs;
    if (after === undefined || told === undefined) {
      return { notification, isWanted, known, pending };
    }
    return { notification, isWanted, known, pending, heldUntil: now + after };
  }

  function begin({ notification, isWanted, known, pending, heldUntil }: Planned): void {
    if (!isWanted) return ledger.settle(notification, [], { reason: "no_subscription" });
    if (pending.length === 0) return ledger.settle(notification, known);
    ledger.begin(notification, known, pending.length);
    for (const target of pending) void deliver(notification, target, heldUntil);
  }

  async function deliver(
    notification: Notification,
    target: Target,
    heldUntil: number | undefined,
  ): Promise<void> {
    try {
      const record = heldUntil === undefined
        ? await sender.deliver(notification, target)
        : await sender.hold(notification, target, { hold: "escalation", atMs: heldUntil });
      ledger.attempted(notification, record);
    } catch (thrown) {
      // The store is away: neither what came of it nor another attempt could be written down.
      ledger.abandon(notification);
      release(notification.id);
      log.error("an attempt could not be written down and is made again", {
        id: notification.id,
        reason: messageOf(thrown),
      });
    }
  }

  /** Whether its time has run out; it is settled then. */
  function expire(notification: Notification): boolean {
    const { expiresAt } = notification;
    if (expiresAt === undefined || clock.now() < expiresAt) return false;
    ledger.settle(notification, [], { state: "expired", reason: "ttl" });
    return true;
  }

  return async (batch: readonly Notification[], { isRepeat }: Handover): Promise<void> => {
    const snapshot = configuration();
    const due = batch.filter((notification) => !expire(notification));
    const presence = sockets.presence(due);
    const present = presence instanceof Promise ? await presence : presence;
    const events: UserEvent[] = [];
    const planned: Planned[] = [];
    const now = clock.now();
    let prefetched = false;

    /** The first one that is not in memory brings the rest of the batch along. */
    async function together(found: Promise<readonly Target[]>, rest: readonly Notification[]) {
      if (prefetched) return await found;
      prefetched = true;
      // Both are waited for at once: a failure that nobody waits for would end the process.
      const [targets] = await Promise.all([found, matching.prefetch(rest)]);
      return targets;
    }

    for (let index = 0; index < due.length; index++) {
      const notification = due[index]!;
      const here = present[index]!;
      const found = matching.match(notification, clientsOf(here));
      const targets = found instanceof Promise ? await together(found, due.slice(index)) : found;
      const view = snapshot.view(notification.context, notification.user);
      const permissions = view instanceof Promise ? await view : view;
      planned.push(prepare(notification, { targets, permissions, present: here, events, now }));
    }
    const lost = events.length > 0 ? await sockets.publish(events, { isRepeat }) : NONE;
    for (const each of planned) {
      // Somebody else has it by now, and does what is to be done.
      if (lost.size > 0 && lost.has(each.notification.id)) release(each.notification.id);
      else begin(each);
    }
  };
}

/** What one target came to without an attempt. */
function record(
  { client, transport, subscriptionId }: Target,
  { state, reason, at }: Pick<TargetRecord, "state" | "at" | "reason">,
): TargetRecord {
  if (subscriptionId === undefined && reason === undefined) return { client, transport, state, at };
  return {
    client,
    transport,
    ...(subscriptionId !== undefined && { subscription: subscriptionId }),
    state,
    ...(reason !== undefined && { reason }),
    at,
  };
}

const NONE: ReadonlySet<string> = new Set();
const NO_RECORDS: readonly TargetRecord[] = [];
const NO_TARGETS: readonly Target[] = [];
const NOBODY: readonly string[] = [];

/** The clients among a user's sockets, each once. */
export function clientsOf(present: readonly Presence[]): readonly string[] {
  const [first] = present;
  if (first === undefined) return NOBODY;
  if (present.every(({ client }) => client === first.client)) return [first.client];
  return [...new Set(present.map(({ client }) => client))];
}
