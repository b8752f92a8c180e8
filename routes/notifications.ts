/** `/v1/notifications`: publishes notifications, lists them and returns their outcomes. */

import type { Context } from "hono";
import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { NOTIFICATION_STATES } from "../core/ledger.ts";
import type { Scope } from "../core/principal.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { inFlightRecord, ledgerBody, presentRecord, presentUnsent } from "./_ledger_body.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, time, topicPattern, user } from "./_schemas.ts";
import { batch, type createPublishHandler, draft, idempotencyKey } from "./publish.ts";

const accepted = z.object({ ids: z.array(z.uuid()) }).openapi("Accepted");

/** An id, or the time that it begins with. */
const CURSOR = /^[0-9a-f]{8}-[0-9a-f]{4}(?:-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$/;

const listQuery = z.strictObject({
  context,
  user,
  topic: topicPattern,
  state: z.enum(NOTIFICATION_STATES),
}).partial().extend({
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().regex(CURSOR, "must be a cursor of this list").optional(),
});

const listBody = z.object({
  items: z.array(ledgerBody),
  next: z.string().optional(),
  searched: z.int(),
  stopped: z.boolean().optional().openapi({
    description: "The page is shorter than `limit` because the search for one page is bounded",
  }),
  sampled: z.boolean().optional().openapi({
    description: "A busy minute has more notifications than are read; name a user to see all",
  }),
});

/** How many notifications before one are searched for those that were merged into it. */
const MERGED_SEARCHED = 100;

const mergedBody = z.object({
  items: z.array(ledgerBody),
  stopped: z.boolean().optional().openapi({
    description: "The search is bounded, and there may be more",
  }),
}).openapi("MergedNotifications");

const pageQuery = z.strictObject({
  cursor: z.coerce.number().int().min(0).max(10_000_000).default(0),
});

const userPage = z.object({
  items: z.array(z.union([
    ledgerBody,
    z.object({ id: z.uuid(), user: z.string() }).openapi({
      description: "The record is not kept any more",
    }),
    z.object({ user: z.string(), state: z.enum(["scheduled", "cancelled"]), deliverAt: time })
      .openapi({ description: "A user whose local time is still to come, or was cancelled" }),
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
  readonly pipeline: Pick<Pipeline, "find" | "list" | "takeBack" | "fanouts">;
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
    path: "/",
    tag: "Notifications",
    summary: "List notifications, the newest first",
    scope: "read",
    query: listQuery,
    answers: { 200: { text: "A page of notifications", schema: listBody } },
    errors: ["invalid_topic"],
  });
  app.get("/", needs(authenticate, "read"), async (c) => {
    const { principal } = c.var;
    const { cursor, context, user, topic, state, limit } = readQuery(c, listQuery);
    if (context !== undefined) inContext(principal, { scope: "read", context });
    const { items, ...rest } = await pipeline.list({
      limit,
      ...(principal.contexts !== undefined && { contexts: principal.contexts }),
      ...(context !== undefined && { context }),
      ...(user !== undefined && { user }),
      ...(topic !== undefined && { topic }),
      ...(state !== undefined && { state }),
      ...(cursor !== undefined && { before: cursor }),
    });
    return c.json({ items: items.map(presentRecord), ...rest });
  });

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
    return c.json(presentRecord(await findRecord(c, "read")));
  });

  describe(app, {
    method: "delete",
    path: "/{id}",
    tag: "Notifications",
    summary: "Cancel what is not sent: what is scheduled or waits for its delay, and targets " +
      "that are held or retried; of all its users, where it is to many",
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
    return c.json(presentRecord(cancelled > 0 ? await findRecord(c, "publish") : found));
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
    path: "/{id}/merged",
    tag: "Notifications",
    summary: "List those that were merged into a notification",
    scope: "read",
    params: z.object({ id: z.uuid() }),
    answers: {
      200: { text: "Those among the hundred before it of its user and topic", schema: mergedBody },
    },
    errors: ["not_found", "store_unavailable"],
  });
  app.get("/:id/merged", needs(authenticate, "read"), async (c) => {
    const found = await findRecord(c, "read");
    const { deliveredAs: id = found.id, context, user, topic } = found;
    // The newest of similar ones is delivered, so that the others are shortly before it.
    const page = { context, user, topic, before: id, limit: MERGED_SEARCHED };
    const { items, stopped } = await pipeline.list(page);
    const merged = items.flatMap((item) =>
      "mergedInto" in item && item.mergedInto === id ? [presentRecord(item)] : []
    );
    return c.json({ items: merged, ...(stopped && { stopped }) });
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
    const items = await Promise.all((found?.users ?? []).map(async (user, at) => {
      const child = found!.ids?.[at];
      if (child === undefined) return presentUnsent(user, found!);
      const known = await pipeline.find(child);
      return known ? presentRecord(known) : { id: child, user };
    }));
    return c.json({ items, ...(found && { next: cursor + 1 }) });
  });

  async function findRecord(c: Context<Env>, scope: Scope): Promise<LedgerRecord> {
    const id = c.req.param("id")!.toLowerCase();
    const found = isId(id) ? await pipeline.find(id) : undefined;
    if (!found) throw new ServiceError("not_found", "Cannot find this notification");
    inContext(c.var.principal, { scope, context: found.context });
    return "state" in found ? found : inFlightRecord(found);
  }

  return app;
}
