/**
 * `/v1/webpush/{client}/key`: the VAPID public key that pages subscribe with. Public, as it is no
 * secret, and readable by the same pages that may open sockets.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Snapshot } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isOriginAllowed, preflight, withCors } from "../core/origins.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { problem } from "./_problem.ts";
import { client } from "./_schemas.ts";

/** What these routes need. */
export interface WebPushRouteDeps {
  /** The current public key of a client, base64url; `undefined` where it has no Web Push. */
  readonly webPushKey: (client: string) => string | undefined;
  readonly snapshot: () => Pick<Snapshot, "settings">;
}

/** Short enough that pages notice a rotated key at their next visit. */
const MAX_AGE_SECONDS = 60;

const keyBody = z.object({
  applicationServerKey: z.string().openapi({
    description: "P-256 point as base64url, as `pushManager.subscribe()` takes it",
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
    // A shared cache must not give this answer to a page that may read it.
    response.headers.append("vary", "Origin");
    return response;
  }

  describe(app, {
    method: "get",
    path: "/{client}/key",
    tag: "Web Push",
    summary: "The VAPID public key that a page subscribes with",
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
