/**
 * Describes `/v1/stream` for OpenAPI. It does not pass through the API: the realtime server answers it,
 * with the limits and errors of sockets. OpenAPI has no words for the WebSocket at `/v1/socket`. A
 * stream goes one way only, so its client acknowledges events by a request of its own.
 */

import { z } from "@hono/zod-openapi";
import type { Snapshot } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import type { UserName } from "../core/events.ts";
import { actingFor, type Authenticate } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readBody } from "./_input.ts";
import { type App, describe } from "./_openapi.ts";
import { forAllowedPages } from "./_page_origins.ts";
import { client, text } from "./_schemas.ts";

const place = z.string().regex(/^\d{16}$/).openapi({ example: "1839148079439872" });
const offset = place.optional().openapi({
  description: "Where to continue: the offset of the last event that was received",
});
const stream = text(
  'id: 1839148079439872\ndata: {"topic":"ox:mail:new","data":{"id":"113"}}\n\n',
);

const query = z.object({
  session: z.string().optional().openapi({
    description: "A user's session, where the client cannot send the header `Authorization`. " +
      "API keys are refused here.",
  }),
  client: client.optional().openapi({
    description: "A client of `pns-websocket-clients.yml`; may be absent where there is only one",
  }),
  connection: z.string().max(255).optional().openapi({
    description: "A name for this connection. It replaces another one of the same name, and is " +
      "not sent what is published with the name as `sourceToken`.",
  }),
  offset,
});

const ERRORS = ["foreign_origin", "not_found", "too_many_requests", "store_unavailable"] as const;

const acknowledgement = z.strictObject({
  offset: place.openapi({ description: "The event's offset: in a stream, its `id`" }),
  kind: z.enum(["delivered", "seen"]).default("delivered")
    .openapi({ description: "The app has it, or its user has seen it" }),
  client: client.optional().openapi({
    description: "The client of the stream; may be absent where there is only one",
  }),
}).openapi("Acknowledgement");

/** What these routes need. */
export interface StreamDeps {
  readonly authenticate: Authenticate;
  readonly snapshot: () => Pick<Snapshot, "settings">;
  /** The realtime server. */
  readonly realtime: {
    acknowledge(
      user: UserName,
      report: {
        readonly client: string | undefined;
        readonly offset: number;
        readonly kind: "delivered" | "seen";
      },
    ): Promise<boolean>;
  };
}

/** Creates the route of acknowledgements, and the description of streams. */
export function streamRoutes({ authenticate, realtime, snapshot }: StreamDeps): App {
  const { app, route } = createGroup("Receiving", authenticate);
  describe(app, {
    ...{ id: "openStream", method: "get", path: "/stream", tag: "Receiving", scope: "subscribe" },
    summary: "What a user is sent, as server-sent events; on a WebSocket at /v1/socket",
    query,
    headers: z.object({ "last-event-id": offset }),
    answers: {
      200: { text: "A stream that does not end", type: "text/event-stream", schema: stream },
    },
    errors: ERRORS,
  });

  const path = "/stream/acknowledge";
  app.use(path, forAllowedPages(snapshot, "POST"));
  route({
    ...{ id: "acknowledgeEvent", method: "post", path, scope: "subscribe" },
    summary: "Acknowledge an event of a stream, with the session of its user",
    body: acknowledgement,
    answers: {
      204: { text: "Taken; it changes nothing where the event does not ask for it" },
    },
    errors: ["foreign_origin", "not_found", "store_unavailable"],
  }, async (c) => {
    const { offset, kind, client } = await readBody(c, acknowledgement);
    const user = actingFor(c.var.principal, {});
    if (!await realtime.acknowledge(user, { client, offset: Number(offset), kind })) {
      throw new ServiceError("not_found", "Cannot find an event at this offset");
    }
    return c.body(null, 204);
  });
  return app;
}
