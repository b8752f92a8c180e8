/** The body of a notification's record in the API. */

import { z } from "@hono/zod-openapi";
import { type LedgerRecord, NOTIFICATION_STATES, TARGET_STATES } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import { time } from "./_schemas.ts";

/** The schema of a record. */
export const ledgerBody = z.object({
  id: z.uuid(),
  context: z.string(),
  user: z.string(),
  topic: z.string(),
  acceptedAt: time,
  state: z.enum(NOTIFICATION_STATES),
  reason: z.string().optional(),
  mergedInto: z.uuid().optional(),
  targets: z.array(z.object({
    client: z.string(),
    transport: z.string(),
    subscription: z.string().optional(),
    state: z.enum(TARGET_STATES),
    reason: z.string().optional(),
    providerId: z.string().optional(),
    attempts: z.int().optional(),
    at: time,
  })),
}).openapi("LedgerRecord");

/** Returns the body of a record, or of a notification in flight. */
export function presentRecord(found: LedgerRecord | Notification) {
  const { acceptedAt, targets, ...rest } = "state" in found ? found : inFlight(found);
  return {
    ...rest,
    acceptedAt: new Date(acceptedAt).toISOString(),
    targets: targets.map(({ at, ...target }) => ({ ...target, at: new Date(at).toISOString() })),
  };
}

function inFlight({ id, context, user, topic, acceptedAt }: Notification): LedgerRecord {
  return { id, context, user, topic, acceptedAt, state: "in_flight", targets: [] };
}
