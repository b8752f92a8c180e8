/** `/v1/notifications`: publishes notifications and returns their outcomes. */

import type { Context } from "hono";
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { NOTIFICATION_STATES, RECEIPT_KINDS, TARGET_STATES } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { Scope } from "../core/principal.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { time } from "./_schemas.ts";
import { batch, type createPublishHandler, draft, idempotencyKey } from "./publish.ts";

const accepted = z.object({ ids: z.array(z.uuid()) }).openapi("Accepted");

const ledgerBody = z.object({
  id: z.uuid(),
  context: z.string(),
  user: z.string().optional().openapi({ description: "Absent where it is to many users" }),
  topic: z.string(),
  acceptedAt: time,
  state: z.enum(NOTIFICATION_STATES),
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
    at: time,
  })).optional().openapi({ description: "What clients reported, the first of each kind" }),
  targets: z.array(z.object({
    client: z.string(),
    transport: z.string(),
    subscription: z.string().optional(),
    state: z.enum(TARGET_STATES),
    reason: z.string().optional(),
    providerId: z.string().optional(),
    attempts: z.int().optional(),
    until: time.optional().openapi({ description: "When it is attempted, while `held`" }),
    at: time,
  })),
}).openapi("LedgerRecord");

const pageQuery = z.strictObject({
  cursor: z.coerce.number().int().min(0).max(10_000_000).default(0),
});

const userPage = z.object({
  items: z.array(z.union([
    ledgerBody,
    z.object({ id: z.uuid(), user: z.string() }).openapi({
      description: "The record is not kept any more",
    }),
  ])),
  next: z.int().optional(),
}).openapi("UserOutcomes");

const dismissed = z.object({
  id: z.uuid().optional()
    .openapi({ description: "The notification that dismisses it; absent where nothing was sent" }),
  cancelled: z.int().openapi({ description: "Targets that were not sent" }),
}).openapi("Dismissed");

/** The dependencies of {@link notificationRoutes}. */
export interface NotificationDeps {
  readonly authenticate: Authenticate;
  readonly pipeline: Pick<Pipeline, "find" | "takeBack" | "fanouts">;
  readonly publish: ReturnType<typeof createPublishHandler>;
}

/** Creates the routes of `/v1/notifications`. */
export function notificationRoutes(deps: NotificationDeps): App {
  const { authenticate, publish, pipeline } = deps;
  const app = new OpenAPIHono<Env>();

  describe(app, {
    method: "post",
    path: "/",
    tag: "Notifications",
    summary: "Publish one notification, or up to 1,000: all or none",
    scope: "publish",
    headers: z.object({ "idempotency-key": idempotencyKey }),
    body: z.union([draft, batch]),
    answers: { 202: { text: "Accepted and durable", schema: accepted } },
    errors: [
      "invalid_topic",
      "idempotency_conflict",
      "idempotency_mismatch",
      "too_many_requests",
      "buffer_full",
      "draining",
      "store_unavailable",
    ],
  });
  // Only bodies of unknown length take this route; `mod.ts` handles the others directly.
  app.post("/", (c) => publish(c.req.raw));

  describe(app, {
    method: "get",
    path: "/{id}",
    tag: "Notifications",
    summary: "Get the outcome of a notification, per client and transport",
    scope: "read",
    params: z.object({ id: z.uuid() }),
    answers: { 200: { text: "The record of the notification", schema: ledgerBody } },
    errors: ["not_found"],
  });
  app.get("/:id", needs(authenticate, "read"), async (c) => {
    return c.json(present(await findRecord(c, "read")));
  });

  describe(app, {
    method: "delete",
    path: "/{id}",
    tag: "Notifications",
    summary:
      "Cancel what is not sent: all of a scheduled one, else targets that are held or retried",
    scope: "publish",
    params: z.object({ id: z.uuid() }),
    answers: {
      200: { text: "Its record afterwards, which says what was sent", schema: ledgerBody },
    },
    errors: ["not_found", "store_unavailable"],
  });
  app.delete("/:id", needs(authenticate, "publish"), async (c) => {
    const found = await findRecord(c, "publish");
    const cancelled = await pipeline.takeBack.cancel(found);
    return c.json(present(cancelled > 0 ? await findRecord(c, "publish") : found));
  });

  describe(app, {
    method: "post",
    path: "/{id}/dismiss",
    tag: "Notifications",
    summary: "Take it back everywhere: cancel what is not sent, remove what is shown",
    scope: "publish",
    params: z.object({ id: z.uuid() }),
    answers: { 202: { text: "What is done about it", schema: dismissed } },
    errors: ["not_found", "buffer_full", "draining", "store_unavailable"],
  });
  app.post("/:id/dismiss", needs(authenticate, "publish"), async (c) => {
    return c.json(await pipeline.takeBack.dismiss(await findRecord(c, "publish")), 202);
  });

  describe(app, {
    method: "get",
    path: "/{id}/users",
    tag: "Notifications",
    summary: "Get the outcomes of a notification to many users, in pages",
    scope: "read",
    params: z.object({ id: z.uuid() }),
    query: pageQuery,
    answers: { 200: { text: "One page of records, and the cursor of the next", schema: userPage } },
    errors: ["not_found", "store_unavailable"],
  });
  app.get("/:id/users", needs(authenticate, "read"), async (c) => {
    const { cursor } = readQuery(c, pageQuery);
    const { id } = await findRecord(c, "read");
    const found = await pipeline.fanouts.page(id, cursor);
    const items = await Promise.all((found?.ids ?? []).map(async (child, at) => {
      const known = await pipeline.find(child);
      const record = known && ("state" in known ? known : inFlight(known));
      return record ? present(record) : { id: child, user: found!.users[at]! };
    }));
    return c.json({ items, ...(found && { next: cursor + 1 }) });
  });

  async function findRecord(c: Context<Env>, scope: Scope): Promise<LedgerRecord> {
    const id = c.req.param("id")!.toLowerCase();
    const found = isId(id) ? await pipeline.find(id) : undefined;
    if (!found) throw new ServiceError("not_found", "Cannot find this notification");
    inContext(c.var.principal, { scope, context: found.context });
    return "state" in found ? found : inFlight(found);
  }

  return app;
}

function inFlight(
  { id, context, user, topic, acceptedAt, collapseKey }: Notification,
): LedgerRecord {
  return {
    ...{ id, context, user, topic, acceptedAt, state: "in_flight", targets: [] },
    ...(collapseKey !== undefined && { collapseKey }),
  };
}

function present({ user, acceptedAt, deliverAt, receipts, targets, ...rest }: LedgerRecord) {
  return {
    ...rest,
    ...(user !== "" && { user }),
    acceptedAt: textOf(acceptedAt),
    ...(deliverAt !== undefined && { deliverAt: textOf(deliverAt) }),
    ...(receipts !== undefined && {
      receipts: receipts.map(({ at, ...receipt }) => ({ ...receipt, at: textOf(at) })),
    }),
    targets: targets.map(({ at, until, ...target }) => ({
      ...target,
      ...(until !== undefined && { until: textOf(until) }),
      at: textOf(at),
    })),
  };
}

function textOf(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
