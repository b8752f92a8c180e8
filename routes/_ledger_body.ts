/** The body of a notification's record in the API. */

import { z } from "@hono/zod-openapi";
import {
  type LedgerRecord,
  NOTIFICATION_STATES,
  RECEIPT_KINDS,
  TARGET_STATES,
} from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import { count, named, text, time } from "./_schemas.ts";

/** The schema of a record. */
export const ledgerBody = z.object({
  id: z.uuid(),
  context: named.context,
  user: text("3", "Absent where it is to many users").optional(),
  topic: named.topic,
  acceptedAt: time,
  state: z.enum(NOTIFICATION_STATES).openapi({ example: "delivered" }),
  reason: z.string().optional(),
  mergedInto: z.uuid().optional(),
  deliverAt: time.optional().openapi({ description: "When it is delivered, while `scheduled`" }),
  deliveredAs: z.uuid().optional()
    .openapi({ description: "The id that clients know a scheduled notification by" }),
  collapseKey: z.string().optional(),
  fanout: z.uuid().optional()
    .openapi({ description: "The notification to many users that it is one of" }),
  users: z.object({ count: z.int(), states: z.record(z.string(), z.int()) }).optional()
    .openapi({ description: "Of a notification to many users: accepted ones, and final states" }),
  receipts: z.array(z.object({
    kind: z.enum(RECEIPT_KINDS),
    client: z.string().optional(),
    connection: z.string().optional().openapi({ description: "The connection id of its socket" }),
    at: time,
  })).optional().openapi({
    description: "What clients reported, the first of each kind and socket",
  }),
  targets: z.array(z.object({
    client: named.client,
    transport: named.transport,
    subscription: z.string().optional(),
    state: z.enum(TARGET_STATES),
    reason: z.string().optional(),
    sockets: z.array(z.string()).optional().openapi({
      description: "Connection ids of the sockets that were sent the event, where " +
        "`io.carillon.ledger.sockets` is on",
    }),
    providerId: text("EC1BF194-B3B2-424A-89A9-5A918A6E6B5C").optional(),
    attempts: count(2).optional(),
    earlier: z.array(z.object({ at: time, reason: z.string() })).optional().openapi({
      description: "The attempts that failed before; of many only the newest",
      example: [{ at: "2026-11-23T11:59:00.000Z", reason: "ServiceUnavailable" }],
    }),
    until: time.optional().openapi({ description: "When it is attempted, while `held`" }),
    at: time,
  })),
}).openapi("LedgerRecord");

/**
 * Returns a notification in flight, or the record of a settled one.
 *
 * @throws {ServiceError} `not_found`
 */
export async function findNotification(
  pipeline: Pick<Pipeline, "find">,
  given: string,
): Promise<LedgerRecord | Notification> {
  const id = given.toLowerCase();
  const found = isId(id) ? await pipeline.find(id) : undefined;
  if (!found) throw new ServiceError("not_found", "Cannot find this notification");
  return found;
}

/** Returns the record of a notification in flight. */
export function inFlightRecord(
  { id, context, user, topic, acceptedAt, collapseKey }: Notification,
): LedgerRecord {
  return {
    ...{ id, context, user, topic, acceptedAt, state: "in_flight", targets: [] },
    ...(collapseKey !== undefined && { collapseKey }),
  };
}

/** Returns the body of a record, or of a notification in flight. */
export function presentRecord(found: LedgerRecord | Notification) {
  const { user, acceptedAt, deliverAt, receipts, targets, ...rest } = "state" in found
    ? found
    : inFlightRecord(found);
  return {
    ...rest,
    ...(user !== "" && { user }),
    acceptedAt: textOf(acceptedAt),
    ...(deliverAt !== undefined && { deliverAt: textOf(deliverAt) }),
    ...(receipts !== undefined && {
      receipts: receipts.map(({ at, ...receipt }) => ({ ...receipt, at: textOf(at) })),
    }),
    targets: targets.map(({ at, until, earlier, ...target }) => ({
      ...target,
      ...(earlier !== undefined && {
        earlier: earlier.map(({ at, reason }) => ({ at: textOf(at), reason })),
      }),
      ...(until !== undefined && { until: textOf(until) }),
      at: textOf(at),
    })),
  };
}

/** Returns the body of a user whose notification is not accepted. */
export function presentUnsent(
  user: string,
  { state, atMs = 0 }: { readonly state?: string; readonly atMs?: number },
) {
  return { user, state: state === "cancelled" ? state : "scheduled", deliverAt: textOf(atMs) };
}

function textOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
