/**
 * `/v1/webpush/{client}/key`: the VAPID public key that pages subscribe with. It needs no credential,
 * because the key is not secret. Pages that may open sockets may read it.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Snapshot } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isOriginAllowed, preflight, withCors } from "../core/origins.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { problem } from "./_problem.ts";
import { client } from "./_schemas.ts";

/** The dependencies of {@link webPushRoutes}. */
export interface WebPushRouteDeps {
  /** Returns the public key of a client, base64url; undefined where it has no Web Push. */
  readonly webPushKey: (client: string) => string | undefined;
  readonly snapshot: () => Pick<Snapshot, "settings">;
}

/** Short, so that pages notice a rotated key at their next visit. */
const MAX_AGE_SECONDS = 60;

const keyBody = z.object({
  applicationServerKey: z.string().openapi({
    description: "P-256 point in base64url, as `pushManager.subscribe()` expects it",
  }),
}).openapi("WebPushKey");

/** Creates the routes under `/v1/webpush`. */
export function webPushRoutes({ webPushKey, snapshot }: WebPushRouteDeps): App {
  const app = new OpenAPIHono<Env>();

  function forPages(c: Context<Env>, response: Response): Response {
    const origin = c.req.header("origin") ?? null;
    const host = c.req.header("host") ?? null;
    const allowed = snapshot().settings.realtime.allowedOrigins;
    if (origin !== null && isOriginAllowed({ origin, host, allowed })) {
      return withCors(origin, response);
    }
    // A shared cache must not return this response to a page of an allowed origin.
    response.headers.append("vary", "Origin");
    return response;
  }

  describe(app, {
    method: "get",
    path: "/{client}/key",
    tag: "Web Push",
    summary: "Get the VAPID public key that a page subscribes with",
    params: z.object({ client }),
    answers: { 200: { text: "The current key", schema: keyBody } },
    errors: ["not_found"],
  });
  app.get("/:client/key", (c) => {
    const name = c.req.param("client");
    const applicationServerKey = webPushKey(name);
    if (applicationServerKey === undefined) {
      const message = "Cannot find this client: it has no usable options for webpush";
      return forPages(c, problem(new ServiceError("not_found", message)));
    }
    c.header("cache-control", `public, max-age=${MAX_AGE_SECONDS}`);
    return forPages(c, c.json({ applicationServerKey }));
  });
  app.options("/:client/key", (c) => forPages(c, preflight(c.req.raw)));

  return app;
}
