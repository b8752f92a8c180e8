/** `/v1/notifications`: publishes notifications, lists them and returns their outcomes. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Buffer } from "../buffer/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { ledgerBody, presentRecord } from "./_ledger_body.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, topicPattern, user } from "./_schemas.ts";
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

/** The dependencies of {@link notificationRoutes}. */
export interface NotificationDeps {
  readonly authenticate: Authenticate;
  readonly buffer: Pick<Buffer, "find" | "list">;
  readonly publish: ReturnType<typeof createPublishHandler>;
}

/** Creates the routes of `/v1/notifications`. */
export function notificationRoutes(deps: NotificationDeps): App {
  const { authenticate, publish, buffer } = deps;
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
    const { items, ...rest } = await buffer.list({
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
    const id = c.req.param("id").toLowerCase();
    const found = isId(id) ? await buffer.find(id) : undefined;
    if (!found) throw new ServiceError("not_found", "Cannot find this notification");
    inContext(c.var.principal, { scope: "read", context: found.context });
    return c.json(presentRecord(found));
  });

  return app;
}
