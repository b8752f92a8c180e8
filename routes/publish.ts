/**
 * `POST /v1/notifications`, the most frequent request: it bypasses the middleware of the API for
 * speed. It authenticates, reads, publishes and answers by itself; the caller turns errors into
 * responses.
 */

import { z } from "@hono/zod-openapi";
import type { Authenticate } from "../auth/mod.ts";
import type { Clock } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import type { Metrics } from "../core/metrics.ts";
import { allows, type Principal } from "../core/principal.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { forbidden } from "./_authorize.ts";
import type { BodyDeadline } from "../core/body_deadline.ts";
import type { Span, Tracer } from "../core/tracing.ts";
import { authenticateHeader } from "./_credential.ts";
import { check, isJsonType, parseJson, readUtf8 } from "./_input.ts";
import { audience, deliverAt, escalate, receipts, users } from "./_delivery_fields.ts";
import { type Drafts, NO_USER, readDrafts } from "./_read_drafts.ts";
import { context, jsonObject, MAX_BATCH, MAX_TTL_SECONDS, topic, user } from "./_schemas.ts";

/** The body of one notification. */
export const draft = z.strictObject({
  context,
  user: user.optional(),
  users: users.optional(),
  audience: audience.optional(),
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
    .openapi({ description: "Multiplies the delay by 1, 2 or 4. Default `high`." }),
  ttl: z.int().min(1).max(MAX_TTL_SECONDS).optional()
    .openapi({ description: "Seconds after which it is no longer delivered", example: 3600 }),
  collapseKey: z.string().min(1).max(255).optional()
    .openapi({
      description: "Only the newest of several waiting ones with this key is delivered, and on a " +
        "device it replaces what is shown with this key",
    }),
  sourceToken: z.string().min(1).max(4096).optional()
    .openapi({ description: "Connection id or token of the client that caused it" }),
  deliverAt: deliverAt.optional(),
  escalate: escalate.optional(),
  receipts: receipts.optional(),
}).refine(hasOneRecipient, {
  error: "must have either a user, users or an audience",
  path: ["user"],
}).openapi("Notification");

/** The body of a batch. */
export const batch = z.strictObject({ notifications: z.array(draft).min(1).max(MAX_BATCH) })
  .openapi("NotificationBatch");

/** The header `Idempotency-Key`. */
export const idempotencyKey = z.string().min(1).max(255).optional();

/** The dependencies of {@link createPublishHandler}. */
export interface PublishDeps {
  readonly authenticate: Authenticate;
  readonly publish: Pipeline["publish"];
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly bodyDeadline: BodyDeadline;
  /** Absent where nothing is traced. */
  readonly tracer?: Tracer | undefined;
}

const HEADERS = { "content-type": "application/json", "x-content-type-options": "nosniff" };
const REPLAYED = { ...HEADERS, "idempotency-replayed": "true" };

/**
 * Creates the handler. Its requests must have a body of bounded length. It throws or rejects
 * with a `ServiceError` for every error response of a publish.
 */
export function createPublishHandler(
  { authenticate, publish, clock, metrics, bodyDeadline, tracer }: PublishDeps,
): (request: Request) => Promise<Response> {
  // Not async: each promise in between costs a publish time.
  return (request) => {
    const found = authenticateHeader(authenticate, request);
    return found instanceof Promise
      ? found.then((principal) => authorized(request, principal))
      : authorized(request, found);
  };

  function authorized(request: Request, principal: Principal): Promise<Response> {
    if (!allows(principal, "publish")) throw forbidden("publish");
    return tracer === undefined
      ? accept(request, principal)
      : acceptTraced(request, { principal, tracer });
  }

  async function acceptTraced(
    request: Request,
    { principal, tracer }: { readonly principal: Principal; readonly tracer: Tracer },
  ): Promise<Response> {
    const incoming = request.headers.get("traceparent") ?? undefined;
    const span = tracer.start("carillon.publish", { kind: "producer", incoming });
    try {
      const response = await accept(request, principal, span);
      span?.end();
      return response;
    } catch (thrown) {
      span?.end(messageOf(thrown, 200));
      throw thrown;
    }
  }

  async function accept(request: Request, principal: Principal, span?: Span): Promise<Response> {
    const started = clock.monotonic();
    const { headers } = request;
    if (!isJsonType(headers.get("content-type"))) {
      throw new ServiceError("unsupported_media_type", "Cannot read the body: it must be JSON");
    }
    const key = headers.get("idempotency-key");
    const { text, bytes } = await readUtf8(request, bodyDeadline);
    const { drafts, alone } = readDrafts(text, bytes) ?? checkedDrafts(text);
    const { ids, replayed } = await publish(principal, {
      drafts,
      alone,
      idempotencyKey: key === null ? undefined : check(idempotencyKey, key),
      traceparent: span?.traceparent,
    });
    span?.set({ "messaging.message.id": ids[0]!, "messaging.batch.message_count": ids.length });
    if (!replayed) metrics.count("carillon_notifications_accepted_total", {}, ids.length);
    const seconds = (clock.monotonic() - started) / 1000;
    metrics.observe("carillon_publish_duration_seconds", {}, seconds);
    return new Response(`{"ids":["${ids.join('","')}"]}`, {
      status: 202,
      headers: replayed ? REPLAYED : HEADERS,
    });
  }
}

/** Validates a body that the fast path did not accept, mostly to report its faults. */
function checkedDrafts(text: string): Drafts {
  const body = parseJson(text);
  const isBatch = isJsonObject(body) && "notifications" in body;
  const checked = isBatch ? check(batch, body).notifications : [check(draft, body)];
  const drafts = checked.map(({ user = NO_USER, data, ...rest }) => ({
    ...{ ...rest, user, data: JSON.stringify(data) },
  }));
  return { drafts, alone: !isBatch };
}

function hasOneRecipient(
  given: { readonly user?: unknown; readonly users?: unknown; readonly audience?: unknown },
): boolean {
  return [given.user, given.users, given.audience].filter((one) => one !== undefined).length === 1;
}
