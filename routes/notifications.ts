/** `/v1/notifications`: publishes notifications, lists them and returns their outcomes. */

import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { type LedgerRecord, NOTIFICATION_STATES } from "../core/ledger.ts";
import type { Scope } from "../core/principal.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readQuery } from "./_input.ts";
import {
  findNotification,
  inFlightRecord,
  ledgerBody,
  presentRecord,
  presentUnsent,
} from "./_ledger_body.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, count, EXAMPLE_ID, page, text, time, topicPattern, user } from "./_schemas.ts";
import { batch, type createPublishHandler, draft, idempotencyKey } from "./publish.ts";

const byId = z.object({ id: z.uuid() });
const accepted = z.object({ ids: z.array(z.uuid()) }).openapi("Accepted");

const MAIL = {
  ...{ context: "1", user: "3", topic: "ox:mail:new" },
  data: { folder: "default0/INBOX", id: "113", subject: "Let us meet", displayname: "Jane Doe" },
};
const PUBLISH_EXAMPLES = {
  one: MAIL,
  batch: { notifications: [MAIL, { ...MAIL, user: "4", ttl: 3600, priority: "low" }] },
};

const UNSENT = {
  ...{ id: "0190163d-8694-739b-aea5-966c26f8ad8f", context: "1", user: "3", topic: "ox:mail:new" },
  ...{ acceptedAt: "2026-11-23T12:00:00.000Z", targets: [] },
};

/** An id, or the time that it begins with. */
const CURSOR = /^[0-9a-f]{8}-[0-9a-f]{4}(?:-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})?$/;

const listQuery = z.strictObject({
  context,
  user,
  topic: topicPattern,
  state: z.enum(NOTIFICATION_STATES),
}).partial().extend({
  limit: page.shape.limit,
  cursor: z.string().regex(CURSOR, "must be a cursor of this list").optional(),
});

const listBody = z.object({
  items: z.array(ledgerBody),
  next: text(EXAMPLE_ID).optional(),
  searched: count(100),
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
  items: z.array(ledgerBody).openapi({
    example: [{ ...UNSENT, state: "suppressed", reason: "merged", mergedInto: EXAMPLE_ID }],
  }),
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
  next: count(1).optional(),
}).openapi("UserOutcomes");

const dismissed = z.object({
  id: z.uuid().optional().openapi({
    description: "The notification that dismisses it; absent where nothing was sent",
    example: EXAMPLE_ID,
  }),
  cancelled: count(0, "Targets that were not sent"),
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
  const { app, route } = createGroup("Notifications", authenticate);

  // Only bodies of unknown length take this route; `mod.ts` handles the others directly.
  app.post("/", (c) => publish(c.req.raw));
  describe(app, {
    id: "publish",
    method: "post",
    path: "/",
    tag: "Notifications",
    summary: "Publish one notification, or up to 1,000: all or none",
    scope: "publish",
    headers: z.object({ "idempotency-key": idempotencyKey }),
    body: z.union([draft, batch]),
    bodies: PUBLISH_EXAMPLES,
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

  route({
    id: "listNotifications",
    method: "get",
    path: "/",
    summary: "List notifications, the newest first",
    scope: "read",
    query: listQuery,
    answers: { 200: { text: "A page of notifications", schema: listBody } },
    errors: ["invalid_topic"],
  }, async (c) => {
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

  route({
    id: "getNotification",
    method: "get",
    path: "/{id}",
    summary: "Get the outcome of a notification, per client and transport",
    scope: "read",
    params: byId,
    answers: { 200: { text: "The record of the notification", schema: ledgerBody } },
    errors: ["not_found"],
  }, async (c) => {
    return c.json(presentRecord(await findRecord(c, "read")));
  });

  route({
    id: "cancelNotification",
    method: "delete",
    path: "/{id}",
    summary: "Cancel what is not sent: what is scheduled or waits for its delay, and targets " +
      "that are held or retried; of all its users, where it is to many",
    scope: "publish",
    params: byId,
    answers: {
      200: {
        text: "Its record afterwards, which says what was sent",
        schema: ledgerBody,
        example: { ...UNSENT, state: "cancelled" },
      },
    },
    errors: ["not_found", "store_unavailable"],
  }, async (c) => {
    const found = await findRecord(c, "publish");
    const cancelled = await pipeline.takeBack.cancel(found);
    return c.json(presentRecord(cancelled > 0 ? await findRecord(c, "publish") : found));
  });

  route({
    id: "dismissNotification",
    method: "post",
    path: "/{id}/dismiss",
    summary: "Take it back everywhere: cancel what is not sent, remove what is shown",
    scope: "publish",
    params: byId,
    answers: { 202: { text: "What is done about it", schema: dismissed } },
    errors: ["not_found", "buffer_full", "draining", "store_unavailable"],
  }, async (c) => {
    return c.json(await pipeline.takeBack.dismiss(await findRecord(c, "publish")), 202);
  });

  route({
    id: "listMergedNotifications",
    method: "get",
    path: "/{id}/merged",
    summary: "List those that were merged into a notification",
    scope: "read",
    params: byId,
    answers: {
      200: { text: "Those among the hundred before it of its user and topic", schema: mergedBody },
    },
    errors: ["not_found", "store_unavailable"],
  }, async (c) => {
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

  route({
    id: "listNotificationUsers",
    method: "get",
    path: "/{id}/users",
    summary: "Get the outcomes of a notification to many users, in pages",
    scope: "read",
    params: byId,
    query: pageQuery,
    answers: { 200: { text: "One page of records, and the cursor of the next", schema: userPage } },
    errors: ["not_found", "store_unavailable"],
  }, async (c) => {
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
    const found = await findNotification(pipeline, c.req.param("id")!);
    inContext(c.var.principal, { scope, context: found.context });
    return "state" in found ? found : inFlightRecord(found);
  }

  return app;
}
