/** `/v1/events`: what webhooks tell publishers, to be read again from a cursor on. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { isId } from "../core/ids.ts";
import { allows } from "../core/principal.ts";
import type { Pipeline } from "../delivery/mod.ts";
import { type Authenticate, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { time } from "./_schemas.ts";

const query = z.strictObject({
  after: z.string().refine(isId, { error: "must be the id of an event" }).optional()
    .openapi({ description: "The `next` of the page before; absent: from the oldest one on" }),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
});

const answer = z.object({
  items: z.array(
    z.object({
      id: z.uuid().openapi({ description: "The same as the header `webhook-id`" }),
      type: z.string().openapi({ example: "notification.clicked" }),
      timestamp: time,
      data: z.object({}).loose(),
    }).openapi("Event"),
  ),
  next: z.uuid().optional()
    .openapi({
      description: "Where to go on, also later; absent where there has been nothing yet",
    }),
}).openapi("EventPage");

/** The dependencies of {@link eventRoutes}. */
export interface EventDeps {
  readonly authenticate: Authenticate;
  readonly pipeline: Pick<Pipeline, "feedback">;
}

/** Creates the route of `/v1/events`. */
export function eventRoutes({ authenticate, pipeline }: EventDeps): App {
  const app = new OpenAPIHono<Env>();
  describe(app, {
    method: "get",
    path: "/",
    tag: "Events",
    summary: "Read events again: those of webhooks, five seconds after they happened",
    scope: "read",
    query,
    answers: { 200: { text: "One page of events, oldest first", schema: answer } },
    errors: ["store_unavailable"],
  });
  app.get("/", needs(authenticate, "read"), async (c) => {
    const { after, limit } = readQuery(c, query);
    const events = await pipeline.feedback.list({ after, limit });
    const items = events
      .filter(({ data }) => allows(c.var.principal, "read", String(data.context)))
      .map(({ id, type, at, data }) => ({ id, type, timestamp: new Date(at).toISOString(), data }));
    const next = events.at(-1)?.id ?? after;
    return c.json({ items, ...(next !== undefined && { next }) });
  });
  return app;
}
