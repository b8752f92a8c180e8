/**
 * Handles a batch of due notifications: finds who wants each one, applies the permissions and
 * delivers. What belongs into an inbox is there first; a batch that is handed over again does not
 * change it twice. Events for sockets go to the hub in one batch, and are in the users' event logs
 * before a notification is settled. Stored addresses go to their provider queues, which nobody
 * waits for here, so that a slow provider does not occupy a processor.
 */

import type { Handover } from "../buffer/mod.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub, Presence, UserEvent } from "../core/events.ts";
import type { IdSource } from "../core/ids.ts";
import type { TargetRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import { clientsOf, userEventOf } from "../core/socket_events.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import { traceFields } from "../core/tracing.ts";
import type { Inbox, InboxChange } from "../inbox/mod.ts";
import type { FirstAttempts, Sender } from "./sender.ts";
import type { Ledger } from "./ledger.ts";
import type { Digests } from "./digests.ts";
import { type Permissions, plan } from "./plan.ts";
import { quietDecision } from "./quiet.ts";
import { publishUnread } from "./unread_events.ts";

/** Finds who wants a notification; synchronous where the subscriptions are cached. */
export interface Matching {
  /** `connected`: the clients with which the user has sockets. */
  match(
    notification: Notification,
    connected: readonly string[],
  ): readonly Target[] | Promise<readonly Target[]>;
  /** Loads the subscriptions of many users into the cache with few reads. */
  prefetch(users: readonly Pick<Notification, "context" | "user">[]): Promise<void> | void;
}

/** One immutable state of the configuration, used for a whole batch. */
export interface ConfigurationSnapshot {
  view(context: string, user: string): Permissions | Promise<Permissions>;
}

/** Dependencies of {@link createDispatch}. */
export interface DispatchOptions extends Pick<SystemDeps, "clock" | "log"> {
  readonly ids: IdSource;
  readonly matching: Matching;
  readonly inbox: Pick<Inbox, "add">;
  readonly sockets: Pick<EventHub, "presence" | "publish">;
  readonly configuration: () => ConfigurationSnapshot;
  /** Whether a client has options for a transport, valid or not. */
  readonly serves: (transport: TransportName, client: string) => boolean;
  readonly sender: Sender;
  readonly ledger: Ledger;
  readonly digests: Pick<Digests, "hold">;
  /** Whether records name the sockets that an event was sent to. @default {() => false} */
  readonly recordsSockets?: () => boolean;
  /** Returns a notification to the buffer, which hands it out again. */
  readonly release: (id: string) => void;
}

/** A notification that is planned but not delivered yet. */
interface Planned {
  readonly notification: Notification;
  readonly isWanted: boolean;
  readonly known: readonly TargetRecord[];
  readonly pending: readonly Target[];
  /** Epoch milliseconds of the first attempts of the pending ones; absent: at once. */
  readonly heldUntil?: number;
  /** Those that quiet hours hold back. */
  readonly quiet: readonly QuietTarget[];
}

interface QuietTarget {
  readonly target: Target;
  /** Epoch milliseconds. */
  readonly until: number;
}

/**
 * Creates the handler of a batch. It rejects, without settling anything, where the hub is
 * unavailable.
 */
export function createDispatch(options: DispatchOptions) {
  const { matching, sockets, configuration, sender, ledger, digests, inbox } = options;
  const { release, serves, clock, log, recordsSockets = () => false } = options;

  /** Plans one notification and adds what its sockets receive to `events`. */
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
    let quiet: readonly QuietTarget[] = NO_QUIET;
    let receivers: readonly string[] | undefined;
    let kept: readonly string[] | undefined;
    for (const step of plan(notification, targets, { permissions, serves, present })) {
      const { target } = step;
      if (!step.send) known = [...known, record(target, { ...step, at: now })];
      else if (step.state === undefined) {
        const decision = quietDecision(notification, target, { permissions, now });
        if (decision?.action === "hold") quiet = [...quiet, { target, until: decision.until }];
        else if (decision?.action === "drop") {
          known = [...known, record(target, { state: "quiet", reason: "quiet hours", at: now })];
        } else pending = [...pending, target];
      } else {
        const { client } = target;
        receivers = receivers ? [...receivers, client] : [client];
        if (step.state === "kept") kept = kept ? [...kept, client] : [client];
        const outcome = record(target, { state: step.state, at: now });
        known = [
          ...known,
          recordsSockets()
            ? { ...outcome, ...socketsOf(present, { target, source: notification.sourceToken }) }
            : outcome,
        ];
      }
    }
    if (receivers) events.push(userEventOf(notification, receivers, { kept }));
    const planned = { notification, isWanted: targets.length > 0, known, pending, quiet };
    const after = notification.options?.escalateAfterMs;
    return after === undefined || !receivers ? planned : { ...planned, heldUntil: now + after };
  }

  function begin({ notification, isWanted, known, pending, heldUntil, quiet }: Planned): void {
    if (!isWanted) return ledger.settle(notification, [], { reason: "no_subscription" });
    const open = pending.length + quiet.length;
    if (open === 0) return ledger.settle(notification, known);
    ledger.begin(notification, known, open);
    for (const target of pending) {
      if (heldUntil === undefined || target.transport === "webhook") {
        sender.deliver(notification, target, { listener });
      } else {
        const wait = { hold: "escalation", atMs: heldUntil } as const;
        postponed(notification, sender.hold(notification, target, wait));
      }
    }
    for (const { target, until } of quiet) {
      postponed(notification, digests.hold(notification, target, until));
    }
  }

  const listener: FirstAttempts = {
    ended: (notification, record) => ledger.attempted(notification, record),
    failed(notification, thrown) {
      ledger.abandon(notification);
      release(notification.id);
      log.error("an outcome could not be stored; the notification is delivered again", {
        id: notification.id,
        ...traceFields(notification),
        reason: messageOf(thrown),
      });
    },
  };

  function postponed(notification: Notification, stored: Promise<TargetRecord>): void {
    stored.then((record) => ledger.attempted(notification, record))
      .catch((thrown) => listener.failed(notification, thrown));
  }

  /** Settles a notification whose ttl has run out. */
  function settleIfExpired(notification: Notification): boolean {
    const { expiresAt } = notification;
    if (expiresAt === undefined || clock.now() < expiresAt) return false;
    ledger.settle(notification, [], { state: "expired", reason: "ttl" });
    return true;
  }

  return async (batch: readonly Notification[], { isRepeat }: Handover): Promise<void> => {
    const snapshot = configuration();
    const due = batch.filter((notification) => !settleIfExpired(notification));
    const presence = sockets.presence(due);
    const present = presence instanceof Promise ? await presence : presence;
    const events: UserEvent[] = [];
    const planned: Planned[] = [];
    const keptInInbox: Notification[] = [];
    const now = clock.now();
    // All are asked for before the first is awaited, so that they are read together.
    const views = due.map(({ context, user }) => snapshot.view(context, user));
    const permissionsOf = views.some((view) => view instanceof Promise)
      ? await Promise.all(views)
      : views as readonly Permissions[];
    let prefetched = false;

    /** The first cache miss loads the rest of the batch as well. */
    async function withPrefetch(found: Promise<readonly Target[]>, rest: readonly Notification[]) {
      if (prefetched) return await found;
      prefetched = true;
      // Await both at once: an unhandled rejection would end the process.
      const [targets] = await Promise.all([found, matching.prefetch(rest)]);
      return targets;
    }

    for (let index = 0; index < due.length; index++) {
      const notification = due[index]!;
      const connected = present[index]!;
      const found = matching.match(notification, clientsOf(connected));
      const targets = found instanceof Promise
        ? await withPrefetch(found, due.slice(index))
        : found;
      const permissions = permissionsOf[index]!;
      if (permissions.keepsInInbox?.(notification.topic) && !notification.options?.dismiss) {
        keptInInbox.push(notification);
      }
      planned.push(
        prepare(notification, { targets, permissions, present: connected, events, now }),
      );
    }
    const changes = keptInInbox.length > 0 ? await inbox.add(keptInInbox) : NO_CHANGES;
    const notOurs = events.length > 0 ? await sockets.publish(events, { isRepeat }) : NONE;
    for (const one of planned) {
      // Another node has taken over this notification and delivers it.
      if (notOurs.size > 0 && notOurs.has(one.notification.id)) release(one.notification.id);
      else begin(one);
    }
    if (changes.length > 0) await publishUnread(changes.filter(({ changed }) => changed), options);
  };
}

/** The record of a target that needs no attempt. */
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

/** Names the open sockets of a target that are sent an event. */
function socketsOf(
  present: readonly Presence[],
  { target: { client }, source }: { readonly target: Target; readonly source: string | undefined },
): Pick<TargetRecord, "sockets"> {
  const sockets = present.filter((socket) =>
    socket.open && socket.client === client && socket.id !== source && socket.socketId !== source
  ).slice(0, MAX_SOCKETS).map(({ id }) => id);
  return sockets.length > 0 ? { sockets } : {};
}

/** Sockets that a record names at most. */
const MAX_SOCKETS = 16;
const NONE: ReadonlySet<string> = new Set();
const NO_RECORDS: readonly TargetRecord[] = [];
const NO_TARGETS: readonly Target[] = [];
const NO_QUIET: readonly QuietTarget[] = [];
const NO_CHANGES: readonly InboxChange[] = [];
