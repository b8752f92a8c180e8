/** `/v1/notifications`: publish, and see what became of it. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Buffer } from "../buffer/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import { NOTIFICATION_STATES, TARGET_STATES } from "../core/ledger.ts";
import { isJsonObject } from "../core/json.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Clock } from "../core/clock.ts";
import type { Notification } from "../core/notification.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { check, readJson } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, jsonObject, time, topic, user } from "./_schemas.ts";

/** Notifications in one request. */
const MAX_BATCH = 1000;
/** Four weeks: no provider keeps anything longer. */
const MAX_TTL_SECONDS = 2_419_200;

const draft = z.strictObject({
  context,
  user,
  topic,
  data: jsonObject.openapi({
    example: {
      folder: "default0/INBOX",
      id: "113",
      email: "jane.doe@foobar.com",
      displayname: "Jane Doe",
      subject: "Let's meet",
      unread: 83,
      teaser: "Hello",
    },
  }),
  priority: z.enum(["high", "medium", "low"]).optional()
    .openapi({ description: "Stretches the delay by 1, 2 or 4. Default `high`." }),
  ttl: z.int().min(1).max(MAX_TTL_SECONDS).optional()
    .openapi({ description: "Seconds for which it is worth delivering", example: 3600 }),
  collapseKey: z.string().min(1).max(255).optional()
    .openapi({ description: "Of several waiting ones with this key only the newest is delivered" }),
  sourceToken: z.string().min(1).max(4096).optional()
    .openapi({ description: "Connection id or token of the client that caused it" }),
}).openapi("Notification");

const batch = z.strictObject({ notifications: z.array(draft).min(1).max(MAX_BATCH) })
  .openapi("NotificationBatch");

const idempotencyKey = z.string().min(1).max(255).optional();

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

/** What these routes need. */
export interface NotificationDeps {
  readonly authenticate: Authenticate;
  readonly publish: Pipeline["publish"];
  readonly buffer: Pick<Buffer, "find">;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** See the file's comment. */
export function notificationRoutes(deps: NotificationDeps): App {
  const { authenticate, publish, buffer, clock, metrics } = deps;
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
  app.post("/", needs(authenticate, "publish"), async (c) => {
    const started = clock.monotonic();
    const body = await readJson(c);
    const isBatch = isJsonObject(body) && "notifications" in body;
    const drafts = isBatch ? check(batch, body).notifications : [check(draft, body)];
    const { ids, replayed } = await publish(c.var.principal, {
      drafts,
      alone: !isBatch,
      idempotencyKey: check(idempotencyKey, c.req.header("idempotency-key")),
    });
    if (replayed) c.header("idempotency-replayed", "true");
    else metrics.count("carillon_notifications_accepted_total", {}, ids.length);
    const seconds = (clock.monotonic() - started) / 1000;
    metrics.observe("carillon_publish_duration_seconds", {}, seconds);
    return c.json({ ids }, 202);
  });

  describe(app, {
    method: "get",
    path: "/{id}",
    tag: "Notifications",
    summary: "What became of a notification, per client and transport",
    scope: "read",
    params: z.object({ id: z.uuid() }),
    answers: { 200: { text: "Its record", schema: ledgerBody } },
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
