/** `/v1/notifications`: publishes notifications and returns their outcomes. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Buffer } from "../buffer/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { NOTIFICATION_STATES, TARGET_STATES } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { time } from "./_schemas.ts";
import { batch, type createPublishHandler, draft, idempotencyKey } from "./publish.ts";

const accepted = z.object({ ids: z.array(z.uuid()) }).openapi("Accepted");

const ledgerBody = z.object({
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

/** The dependencies of {@link notificationRoutes}. */
export interface NotificationDeps {
  readonly authenticate: Authenticate;
  readonly buffer: Pick<Buffer, "find">;
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
    return c.json(present("state" in found ? found : inFlight(found)));
  });

  return app;
}

function inFlight({ id, context, user, topic, acceptedAt }: Notification): LedgerRecord {
  return { id, context, user, topic, acceptedAt, state: "in_flight", targets: [] };
}

function present({ acceptedAt, targets, ...rest }: LedgerRecord) {
  return {
    ...rest,
    acceptedAt: new Date(acceptedAt).toISOString(),
    targets: targets.map(({ at, ...target }) => ({ ...target, at: new Date(at).toISOString() })),
  };
}
