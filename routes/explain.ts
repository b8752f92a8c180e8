/**
 * `/v1/explain`: what would happen to a notification now, which settings decide that, and what
 * happened to a real one.
 */

import { z } from "@hono/zod-openapi";
import { ServiceError } from "../core/errors.ts";
import type { LedgerRecord } from "../core/ledger.ts";
import type { Notification } from "../core/notification.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import {
  type DeliverAt,
  type Explain,
  findFanoutUser,
  type FoundUser,
  isLocalTime,
  type Pipeline,
} from "../delivery/mod.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { deliverAtText } from "./_delivery_fields.ts";
import { presentAudience, presentExplanation } from "./_explanation_body.ts";
import { explanationBody } from "./_explanation_schema.ts";
import { createGroup } from "./_group.ts";
import { readQuery } from "./_input.ts";
import { findNotification, presentRecord } from "./_ledger_body.ts";
import type { App } from "./_openapi.ts";
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
  deliverAt: deliverAtText.optional(),
  id: z.uuid().optional().openapi({
    description: "A published notification; names context, user and topic where they are absent",
  }),
});

/** The dependencies of {@link explainRoutes}. */
export interface ExplainDeps {
  readonly authenticate: Authenticate;
  readonly pipeline: Pick<Pipeline, "find" | "scheduled" | "fanouts">;
  readonly explain: Explain;
  readonly transports: ReadonlyMap<TransportName, Transport>;
}

/** Creates the route `/v1/explain`. */
export function explainRoutes(deps: ExplainDeps): App {
  const { authenticate, explain, pipeline } = deps;
  const { app, route } = createGroup("Configuration", authenticate);
  route({
    id: "explain",
    method: "get",
    path: "/",
    summary: "Explain which targets would receive a notification, and what a real one became",
    scope: "read",
    query,
    answers: { 200: { text: "One entry per target", schema: explanationBody } },
    errors: ["invalid_topic", "unknown_transport", "not_found"],
  }, async (c) => {
    const { client, transport, priority, escalate, deliverAt, id, ...named } = readQuery(c, query);
    const asked = id === undefined ? undefined : await findNotification(pipeline, id);
    if (asked) inContext(c.var.principal, { scope: "read", context: asked.context });
    const { context, user, topic } = namesOf(named, asked);
    inContext(c.var.principal, { scope: "read", context });
    const { found, audience } = await ofUser(pipeline, { asked, user });
    const published = found && !("state" in found) ? found : await scheduledOne(pipeline, found);
    const later = audience?.deliverAt ?? (found && "deliverAt" in found && found.deliverAt);
    const own: Notification = published ?? {
      ...{ id: found?.id ?? "", context, user, topic, data: "{}", priority, acceptedAt: 0 },
      ...(typeof later === "number" && { options: { deliverAt: later } }),
    };
    const notification = escalate === undefined
      ? own
      : { ...own, options: { ...own.options, escalateAfterMs: escalate * 1000 } };
    const explanation = await explain(notification, {
      ...{ client, transport },
      ...(deliverAt !== undefined && { deliverAt: parsedTime(deliverAt) }),
    });
    const warnings = warningsOf(explanation.targets.map(({ target }) => target), deps);
    return c.json({
      ...presentExplanation(explanation),
      ...(!published && { withoutData: true }),
      ...(found && { happened: presentRecord(found) }),
      ...(audience && { audience: presentAudience(audience) }),
      ...(warnings.length > 0 && { warnings }),
    });
  });
  return app;
}

/**
 * Of a notification to many users, finds that of one of them; where there is none, `found` is the
 * one to many.
 */
async function ofUser(
  { find, fanouts }: ExplainDeps["pipeline"],
  { asked, user }: {
    readonly asked: LedgerRecord | Notification | undefined;
    readonly user: string;
  },
): Promise<{ found: LedgerRecord | Notification | undefined; audience?: FoundUser }> {
  if (!asked || !isToMany(asked)) return { found: asked };
  const audience = await findFanoutUser(fanouts, { id: asked.id, user });
  const own = audience.id === undefined ? undefined : await find(audience.id);
  return { found: own ?? asked, audience };
}

function isToMany(found: LedgerRecord | Notification): boolean {
  return "users" in found && found.users !== undefined;
}

/** Returns the notification of a record that says that it is delivered later. */
async function scheduledOne(
  { scheduled }: ExplainDeps["pipeline"],
  found: LedgerRecord | Notification | undefined,
): Promise<Notification | undefined> {
  if (!found || !("state" in found) || found.state !== "scheduled") return undefined;
  return await scheduled(found.id);
}

function parsedTime(text: string): DeliverAt {
  return isLocalTime(text) ? { local: text } : text;
}

type Names = Pick<Notification, "context" | "user" | "topic">;

/** @throws {ServiceError} `invalid_request` where a name is missing, or is not the notification's */
function namesOf(
  named: { readonly [K in keyof Names]?: Names[K] | undefined },
  found: LedgerRecord | Notification | undefined,
): Names {
  const toMany = found !== undefined && isToMany(found);
  const faults = (["context", "user", "topic"] as const).flatMap((path) => {
    const isOpen = toMany && path === "user";
    if (named[path] === undefined) {
      if (isOpen) return [{ path, message: "is needed: the notification is to many users" }];
      return found ? [] : [{ path, message: "is needed where no id is given" }];
    }
    return !isOpen && found && found[path] !== named[path]
      ? [{ path, message: "is not that of the notification with this id" }]
      : [];
  });
  if (faults.length > 0) {
    const [{ path, message }] = faults as [typeof faults[number]];
    throw new ServiceError("invalid_request", `Cannot explain: ${path} ${message}`, { faults });
  }
  const nameOf = (name: keyof Names) => named[name] ?? found![name];
  return { context: nameOf("context"), user: nameOf("user"), topic: nameOf("topic") };
}
