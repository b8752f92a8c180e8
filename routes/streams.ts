/**
 * Describes `/v1/stream` for OpenAPI. It does not pass through the API: the realtime server answers it,
 * with the limits and errors of sockets. OpenAPI has no words for the WebSocket at `/v1/socket`.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { type App, describe, type Env } from "./_openapi.ts";
import { client } from "./_schemas.ts";

const offset = z.string().regex(/^\d{16}$/).optional().openapi({
  description: "Where to continue: the offset of the last event that was received",
  example: "1839148079439872",
});

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

/** Returns the description. */
export function streamRoutes(): App {
  const app = new OpenAPIHono<Env>();
  describe(app, {
    method: "get",
    path: "/stream",
    tag: "Receiving",
    summary: "What a user is sent, as server-sent events; on a WebSocket at /v1/socket",
    scope: "subscribe",
    query,
    headers: z.object({ "last-event-id": offset }),
    answers: {
      200: { text: "A stream that does not end", type: "text/event-stream", schema: z.string() },
    },
    errors: ERRORS,
  });
  return app;
}
