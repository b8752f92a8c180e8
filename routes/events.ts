/** `/v1/events`: what webhooks tell publishers, to be read again from a cursor on. */

import { z } from "@hono/zod-openapi";
import { isId } from "../core/ids.ts";
import { allows } from "../core/principal.ts";
import type { Pipeline } from "../delivery/mod.ts";
import type { Authenticate } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { EXAMPLE_ID, page, time } from "./_schemas.ts";

const query = z.strictObject({
  after: z.string().refine(isId, { error: "must be the id of an event" }).optional()
    .openapi({ description: "The `next` of the page before; absent: from the oldest one on" }),
  limit: page.shape.limit,
});

const answer = z.object({
  items: z.array(
    z.object({
      id: z.uuid().openapi({ description: "The same as the header `webhook-id`" }),
      type: z.string().openapi({ example: "notification.clicked" }),
      timestamp: time,
      data: z.object({}).loose()
        .openapi({ example: { notification: EXAMPLE_ID, context: "1", user: "3" } }),
    }).openapi("Event"),
  ),
  next: z.uuid().optional()
    .openapi({
      description: "Where to go on, also later; absent where there has been nothing yet",
      example: EXAMPLE_ID,
    }),
}).openapi("EventPage");

/** The dependencies of {@link eventRoutes}. */
export interface EventDeps {
  readonly authenticate: Authenticate;
  readonly pipeline: Pick<Pipeline, "feedback">;
}

/** Creates the route of `/v1/events`. */
export function eventRoutes({ authenticate, pipeline }: EventDeps): App {
  const { app, route } = createGroup("Events", authenticate);
  route({
    id: "listEvents",
    method: "get",
    path: "/",
    summary: "Read events again: those of webhooks, five seconds after they happened",
    scope: "read",
    query,
    answers: { 200: { text: "One page of events, oldest first", schema: answer } },
    errors: ["store_unavailable"],
  }, async (c) => {
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
