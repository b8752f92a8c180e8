/**
 * Accepts published notifications: checks permissions, sizes and limits, assigns ids and puts them
 * into the buffer, which makes them durable before the publisher gets its answer.
 */

import { createHash } from "node:crypto";
import { type Fault, ServiceError } from "../core/errors.ts";
import { canonicalJson, type JsonObject, type JsonText } from "../core/json.ts";
import type { Notification, Priority } from "../core/notification.ts";
import type { DeliveryOptions } from "../core/delivery_options.ts";
import { allows, type Principal } from "../core/principal.ts";
import { type DeliverAt, LAST_TIME_ZONE, resolveDeliverAt } from "./deliver_at.ts";
import type { Audience, Fanouts, FanoutSource } from "./fanout.ts";
import type { PublishLimits } from "./publish_limits.ts";
import {
  createPublishOnce,
  type Published,
  type PublishOnceOptions,
  requestInProgress,
} from "./publish_once.ts";
import { MAX_SCHEDULED_BATCH, type ScheduledNotifications } from "./scheduled.ts";

export type { Published };

/** A notification as a publisher writes it; its shape is already checked. */
export interface NotificationDraft {
  readonly context: string;
  readonly user: string;
  readonly topic: string;
  /** A JSON object. */
  readonly data: JsonText;
  readonly priority?: Priority | undefined;
  /** Seconds for which delivery makes sense. */
  readonly ttl?: number | undefined;
  readonly sourceToken?: string | undefined;
  readonly collapseKey?: string | undefined;
  /** Absent: at once. Either all drafts of a request have it or none. */
  readonly deliverAt?: DeliverAt | undefined;
  /** Stored addresses wait so many seconds for a socket to acknowledge the event. */
  readonly escalate?: { readonly after: number } | undefined;
  /** Instead of `user`, which does not matter then. */
  readonly users?: readonly string[] | undefined;
  readonly audience?: Audience | undefined;
  /** Clients are asked to report what became of it. */
  readonly receipts?: boolean | undefined;
}

interface PublishOptions extends PublishOnceOptions {
  readonly maxPayloadBytes: () => number;
  readonly limits: PublishLimits;
  readonly scheduled: Pick<ScheduledNotifications, "put" | "traits">;
  readonly fanouts: Pick<Fanouts, "accept">;
  /** The IANA name of a user's time zone. */
  readonly timeZone: (context: string, user: string) => string | Promise<string>;
}

/** One publish request. */
interface PublishRequest {
  readonly drafts: readonly NotificationDraft[];
  /** True where the body was a single notification, which changes the paths of faults. */
  readonly alone?: boolean;
  readonly idempotencyKey?: string | undefined;
  /** Trace context that the notifications keep. */
  readonly traceparent?: string | undefined;
}

/** Publishes for a principal; see {@link createPublish}. */
export type Publish = (principal: Principal, request: PublishRequest) => Promise<Published>;

/**
 * Creates the function that publishes a request, all or nothing.
 *
 * @throws {ServiceError} `forbidden`, `payload_too_large`, `too_many_requests`,
 * `idempotency_conflict`, `idempotency_mismatch`, and what {@link Buffer.put} throws.
 */
export function createPublish(options: PublishOptions): Publish {
  const { buffer, scheduled, fanouts, clock, ids, maxPayloadBytes, limits, timeZone } = options;
  const publishOnce = createPublishOnce(options);
  const scheduleOnce = createPublishOnce({ ...options, buffer: scheduled });
  /** Idempotency keys that this process is working on. */
  const inProgress = new Set<string>();

  function check(principal: Principal, { drafts, alone }: PublishRequest): void {
    const limit = maxPayloadBytes();
    const faults: Fault[] = [];
    let allowed: string | undefined;
    drafts.forEach(({ context, data }, index) => {
      if (context === allowed && !exceeds(data, limit)) return;
      if (allows(principal, "publish", context)) allowed = context;
      else {
        const message = `the credential does not allow publishing in context ${context}`;
        faults.push({ path: `${prefixOf(index, alone)}context`, message, code: "forbidden" });
      }
      if (exceeds(data, limit)) {
        const message = `data has more than ${limit} bytes`;
        faults.push({ path: `${prefixOf(index, alone)}data`, message, code: "payload_too_large" });
      }
    });
    const [first] = faults;
    if (first) throw new ServiceError(first.code!, `Cannot publish: ${first.message}`, { faults });
  }

  async function zonesOf({ drafts }: PublishRequest): Promise<readonly string[]> {
    if (drafts.length > MAX_SCHEDULED_BATCH) {
      const message = `Cannot schedule more than ${MAX_SCHEDULED_BATCH} notifications at once`;
      throw new ServiceError("invalid_request", message);
    }
    return await Promise.all(drafts.map(({ context, user }) => timeZone(context, user)));
  }

  /** Takes a request for many users: one record, which is fanned out in the background. */
  function fanoutIntake(
    source: FanoutSource,
    local: string | undefined,
  ): Pick<ScheduledNotifications, "put" | "traits"> {
    return {
      traits: scheduled.traits,
      put: ([notification], sets = []) => fanouts.accept(notification!, source, { sets, local }),
    };
  }

  return async (principal, request) => {
    check(principal, request);
    const { drafts, idempotencyKey, traceparent } = request;
    const source = sourceOf(request);
    const limited = limits(principal, drafts);
    if (limited) await limited;
    const isLater = drafts.some(({ deliverAt }) => deliverAt !== undefined);
    if (idempotencyKey === undefined && !source && !isLater) {
      const acceptedAt = clock.now();
      const notifications = drafts.map((draft) =>
        notificationOf(draft, { id: ids(), acceptedAt, traceparent })
      );
      await buffer.put(notifications);
      return { ids: notifications.map(({ id }) => id), replayed: false };
    }
    const local = source && ownLocalTime(request);
    const intake = source ? fanoutIntake(source, local) : isLater ? scheduled : buffer;
    const zones = local !== undefined
      ? [LAST_TIME_ZONE]
      : isLater
      ? await zonesOf(request)
      : NO_ZONES;
    const stamp = (newIds: readonly string[], acceptedAt: number) => {
      if (!isLater) {
        return drafts.map((draft, at) =>
          notificationOf(draft, { id: newIds[at]!, acceptedAt, traceparent })
        );
      }
      const due = times(request, { zones, now: acceptedAt });
      return due.map((time, at) => {
        const deliverAt = local === undefined ? time : undefined;
        return notificationOf(drafts[at]!, { id: newIds[at]!, acceptedAt, deliverAt, traceparent });
      });
    };
    if (idempotencyKey === undefined) {
      const newIds = drafts.map(() => ids());
      await intake.put(stamp(newIds, clock.now()));
      return { ids: newIds, replayed: false };
    }
    const key = ["idempotency", principal.id, hash(idempotencyKey)];
    const name = key.join();
    if (inProgress.has(name)) throw requestInProgress();
    inProgress.add(name);
    try {
      const fingerprint = hash(canonicalJson(drafts.map(parsed)));
      const accept = source
        ? createPublishOnce({ ...options, buffer: intake })
        : isLater
        ? scheduleOnce
        : publishOnce;
      return await accept({
        key,
        fingerprint,
        count: drafts.length,
        stamp,
      });
    } finally {
      inProgress.delete(name);
    }
  };
}

/**
 * Returns the users of a request for many; `undefined` where each draft has one.
 *
 * @throws {ServiceError} `invalid_request` for one in a batch
 */
function sourceOf({ drafts, alone }: PublishRequest): FanoutSource | undefined {
  const index = drafts.findIndex(({ users, audience }) => users ?? audience);
  if (index < 0) return undefined;
  const { users, audience } = drafts[index]!;
  if (alone) return users ? { kind: "users", users } : audience;
  const path = `${prefixOf(index, alone)}${users ? "users" : "audience"}`;
  const message = "a notification to many users must be the only one of its request";
  throw new ServiceError("invalid_request", `Cannot publish: ${message}`, {
    faults: [{ path, message }],
  });
}

/** Returns the local time of a request for many users, each by the clock of their own zone. */
function ownLocalTime({ drafts: [draft] }: PublishRequest): string | undefined {
  const at = draft?.deliverAt;
  return typeof at === "object" && at.timeZone === undefined ? at.local : undefined;
}

const NO_ZONES: readonly string[] = [];

/**
 * Returns when the drafts of a request are delivered, in epoch milliseconds.
 *
 * @throws {ServiceError} `invalid_request`
 */
function times(
  { drafts, alone }: PublishRequest,
  { zones, now }: { readonly zones: readonly string[]; readonly now: number },
): readonly number[] {
  const faults: Fault[] = [];
  const resolved = drafts.map(({ deliverAt }, index) => {
    const time = deliverAt === undefined
      ? {
        ok: false,
        why: "is missing: either all notifications of a request have it or none",
      } as const
      : resolveDeliverAt(deliverAt, { now, timeZone: zones[index]! });
    if (time.ok) return time.atMs;
    faults.push({ path: `${prefixOf(index, alone)}deliverAt`, message: `it ${time.why}` });
    return NaN;
  });
  const [first] = faults;
  if (!first) return resolved;
  const message = `Cannot schedule: ${first.path}: ${first.message}`;
  throw new ServiceError("invalid_request", message, { faults });
}

/** Begins the path of a fault. */
function prefixOf(index: number, alone: boolean | undefined): string {
  return alone ? "" : `notifications[${index}].`;
}

/** Parses the data, so that drafts with the same content are equal. */
function parsed(draft: NotificationDraft): JsonObject {
  return { ...draft, data: JSON.parse(draft.data) } as JsonObject;
}

function notificationOf(
  draft: NotificationDraft,
  { id, acceptedAt, deliverAt, traceparent }: Pick<Notification, "id" | "acceptedAt"> & {
    readonly deliverAt?: number | undefined;
    readonly traceparent: string | undefined;
  },
): Notification {
  const { context, user, topic, data, priority = "high", ttl, sourceToken, collapseKey } = draft;
  const notification = { id, context, user, topic, data, priority, acceptedAt };
  const options = optionsOf(draft, deliverAt);
  if (
    ttl === undefined && sourceToken === undefined && collapseKey === undefined &&
    options === undefined && traceparent === undefined
  ) {
    return notification;
  }
  return {
    ...notification,
    ...(ttl !== undefined && { expiresAt: (deliverAt ?? acceptedAt) + ttl * 1000 }),
    ...(sourceToken !== undefined && { sourceToken }),
    ...(collapseKey !== undefined && { collapseKey }),
    ...(options !== undefined && { options }),
    ...(traceparent !== undefined && { traceparent }),
  };
}

function optionsOf(
  { escalate, receipts }: NotificationDraft,
  deliverAt: number | undefined,
): DeliveryOptions | undefined {
  if (escalate === undefined && receipts !== true && deliverAt === undefined) return undefined;
  return {
    ...(deliverAt !== undefined && { deliverAt }),
    ...(escalate !== undefined && { escalateAfterMs: escalate.after * 1000 }),
    ...(receipts === true && { receipts }),
  };
}

/** Whether a text has more than `limit` bytes in UTF-8. */
function exceeds(text: string, limit: number): boolean {
  if (text.length * 3 <= limit) return false; // a UTF-16 unit takes at most three bytes
  return text.length > limit || new TextEncoder().encode(text).length > limit;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
