/**
 * `/v1/explain`: what would happen to a notification now, which settings decide that, and what
 * happened to a real one.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { ServiceError } from "../core/errors.ts";
import { isId } from "../core/ids.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { Explain, Pipeline } from "../delivery/mod.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { presentExplanation } from "./_explanation_body.ts";
import { explanationBody } from "./_explanation_schema.ts";
import { readQuery } from "./_input.ts";
import { presentRecord } from "./_ledger_body.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { client, context, topic, transport, user } from "./_schemas.ts";
import { warningsOf } from "./_warnings.ts";

const query = z.strictObject({
  context: context.optional(),
  user: user.optional(),
  topic: topic.optional(),
  client: client.optional(),
  transport: transport.optional(),
  priority: z.enum(["high", "medium", "low"]).default("high"),
  escalate: z.coerce.number().int().min(1).max(3600).optional()
    .openapi({ description: "Explain a publish with `escalate: {after}`, in seconds" }),
  id: z.uuid().optional().openapi({
    description: "A published notification; names context, user and topic where they are absent",
  }),
});

/** The dependencies of {@link explainRoutes}. */
export interface ExplainDeps {
  readonly authenticate: Authenticate;
  readonly pipeline: Pick<Pipeline, "find">;
  readonly explain: Explain;
  readonly transports: ReadonlyMap<TransportName, Transport>;
}

/** Creates the route `/v1/explain`. */
export function explainRoutes(deps: ExplainDeps): App {
  const { authenticate, explain, pipeline } = deps;
  const app = new OpenAPIHono<Env>();
  describe(app, {
    method: "get",
    path: "/",
    tag: "Configuration",
    summary: "Explain which targets would receive a notification, and what a real one became",
    scope: "read",
    query,
    answers: { 200: { text: "One entry per target", schema: explanationBody } },
    errors: ["invalid_topic", "unknown_transport", "not_found"],
  });
  app.get("/", needs(authenticate, "read"), async (c) => {
    const { client, transport, priority, escalate, id, ...named } = readQuery(c, query);
    const found = id === undefined ? undefined : await findNotification(pipeline, id);
    if (found) inContext(c.var.principal, { scope: "read", context: found.context });
    const { context, user, topic } = namesOf(named, found);
    inContext(c.var.principal, { scope: "read", context });
    const notification: Notification = found && !("state" in found) ? found : {
      ...{ id: found?.id ?? "", context, user, topic, data: "{}", priority, acceptedAt: 0 },
    };
    const explanation = await explain(notification, {
      ...{ client, transport },
      ...(escalate !== undefined && { escalateMs: escalate * 1000 }),
    });
    const warnings = warningsOf(explanation.targets.map(({ target }) => target), deps);
    return c.json({
      ...presentExplanation(explanation),
      ...(found && { happened: presentRecord(found) }),
      ...(warnings.length > 0 && { warnings }),
    });
  });
  return app;
}

/**
 * Returns a notification in flight, or the record of a settled one.
 *
 * @throws {ServiceError} `not_found`
 */
async function findNotification(
  pipeline: Pick<Pipeline, "find">,
  given: string,
): Promise<LedgerRecord | Notification> {
  const id = given.toLowerCase();
  const found = isId(id) ? await pipeline.find(id) : undefined;
  if (!found) throw new ServiceError("not_found", "Cannot find this notification");
  return found;
}

type Names = Pick<Notification, "context" | "user" | "topic">;

/** @throws {ServiceError} `invalid_request` where a name is missing, or is not the notification's */
function namesOf(
  named: { readonly [K in keyof Names]?: Names[K] | undefined },
  found: Names | undefined,
): Names {
  const faults = (["context", "user", "topic"] as const).flatMap((path) => {
    if (named[path] === undefined) {
      return found ? [] : [{ path, message: "is needed where no id is given" }];
    }
    return found && found[path] !== named[path]
      ? [{ path, message: "is not that of the notification with this id" }]
      : [];
  });
  if (faults.length > 0) {
    const [{ path, message }] = faults as [typeof faults[number]];
    throw new ServiceError("invalid_request", `Cannot explain: ${path} ${message}`, { faults });
  }
  return { ...named, ...found } as Names;
}
