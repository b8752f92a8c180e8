/** `/v1/explain`: which targets would receive a notification, and which settings decide that. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Snapshot } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { Notification } from "../core/notification.ts";
import type { Target, TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import { plan, quietDecision } from "../delivery/mod.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, time, topic, user } from "./_schemas.ts";
import { warningsOf } from "./_warnings.ts";

const query = z.strictObject({
  context,
  user,
  topic,
  priority: z.enum(["high", "medium", "low"]).default("high"),
  escalate: z.coerce.number().int().min(1).max(3600).optional()
    .openapi({ description: "Explain a publish with `escalate: {after}`, in seconds" }),
});

const answer = z.object({
  targets: z.array(z.object({
    client: z.string(),
    transport: z.string(),
    subscription: z.string().optional(),
    send: z.boolean(),
    reason: z.string().optional(),
    quiet: z.object({ action: z.enum(["drop", "silent", "hold"]), until: time }).optional()
      .openapi({ description: "What quiet hours would do to it now, and when they end" }),
    held: z.object({ reason: z.enum(["escalation", "quiet hours"]), until: time }).optional()
      .openapi({ description: "Why and until when it would wait, if published now" }),
    trail: z.array(z.object({
      key: z.string(),
      scope: z.string(),
      source: z.string().optional(),
      value: z.string().optional(),
      chosen: z.boolean(),
      barred: z.boolean().optional(),
    })),
  })),
  warnings: z.array(z.string()).optional().openapi({
    description: "Clients that currently receive no message, whatever is enabled",
  }),
}).openapi("Explanation");

/** The dependencies of {@link explainRoutes}. */
export interface ExplainDeps {
  readonly authenticate: Authenticate;
  readonly snapshot: () => Snapshot;
  readonly match: (
    notification: Notification,
  ) => readonly Target[] | Promise<readonly Target[]>;
  readonly serves: (transport: TransportName, client: string) => boolean;
  readonly transports: ReadonlyMap<TransportName, Transport>;
  readonly clock: Pick<Clock, "now">;
}

/** Creates the route `/v1/explain`. */
export function explainRoutes(deps: ExplainDeps): App {
  const { authenticate, snapshot, match, serves, clock } = deps;
  const app = new OpenAPIHono<Env>();
  describe(app, {
    method: "get",
    path: "/",
    tag: "Configuration",
    summary: "Explain which targets would receive a notification",
    scope: "read",
    query,
    answers: { 200: { text: "One entry per target", schema: answer } },
    errors: ["invalid_topic"],
  });
  app.get("/", needs(authenticate, "read"), async (c) => {
    const { context, user, topic, priority, escalate } = readQuery(c, query);
    inContext(c.var.principal, { scope: "read", context });
    const view = await snapshot().view(context, user);
    const notification: Notification = {
      ...{ id: "", context, user, topic, data: "{}", priority, acceptedAt: 0 },
    };
    const targets = await match(notification);
    const plans = plan(notification, targets, { permissions: view, serves });
    const warnings = warningsOf(targets, deps);
    const now = clock.now();
    // A socket that is open, or closed so recently that its client may resume.
    const hasSocket = plans.some(({ target, send }) => send && target.subscriptionId === undefined);
    const escalatesAt = escalate === undefined || !hasSocket ? undefined : now + escalate * 1000;

    /** What is otherwise, or later, for a stored address that is sent to. */
    function deviation(target: Target) {
      const quiet = quietDecision(notification, target, { permissions: view, now });
      if (quiet?.action === "drop") return { send: false, reason: "quiet hours", quiet };
      if (quiet?.action === "hold") {
        return { quiet, held: { reason: "quiet hours" as const, until: quiet.until } };
      }
      if (escalatesAt === undefined || target.transport === "webhook") return { quiet };
      return { quiet, held: { reason: "escalation" as const, until: escalatesAt } };
    }

    function explain({ target, ...step }: typeof plans[number]) {
      const { client, transport, subscriptionId: subscription } = target;
      const { quiet, held, ...changed } = step.send && subscription !== undefined
        ? deviation(target)
        : { quiet: undefined, held: undefined };
      const trail = view.explain(transport, client, topic).trail;
      return {
        ...{ client, transport, subscription, send: step.send },
        ...(!step.send && { reason: step.reason }),
        ...changed,
        ...(quiet && { quiet: timed(quiet) }),
        ...(held && { held: timed(held) }),
        trail: quiet ? [...trail, ...view.explainQuiet(client, topic).trail] : trail,
      };
    }

    return c.json({
      targets: plans.map(explain),
      ...(warnings.length > 0 && { warnings }),
    });
  });
  return app;
}

function timed<T extends { readonly until: number }>(value: T) {
  return { ...value, until: new Date(value.until).toISOString() };
}
