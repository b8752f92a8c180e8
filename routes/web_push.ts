/**
 * `/v1/webpush/{client}/key`: the VAPID public key that pages subscribe with. It needs no credential,
 * because the key is not secret. Pages that may open sockets may read it.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Snapshot } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { readableByAllowedPages } from "./_page_origins.ts";
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
    example:
      "BOq7Hn6vQ0nIyJ8k1p1B1yGzYz2cX5D5d6lS3rH9sQkqk3m4O0c2pT8w9m1XxYwq0aKf2u1VJ7g3z4y5x6w7v8U",
  }),
}).openapi("WebPushKey");

/** Creates the routes under `/v1/webpush`. */
export function webPushRoutes({ webPushKey, snapshot }: WebPushRouteDeps): App {
  const app = new OpenAPIHono<Env>();

  app.use(readableByAllowedPages(snapshot));
  describe(app, {
    id: "getWebPushKey",
    method: "get",
    path: "/{client}/key",
    tag: "Web Push",
    summary: "Get the VAPID public key that a page subscribes with",
    params: z.object({ client }),
    answers: { 200: { text: "The current key", schema: keyBody } },
    errors: ["not_found"],
  });
  app.get("/:client/key", (c) => {
    const applicationServerKey = webPushKey(c.req.param("client"));
    if (applicationServerKey === undefined) {
      const message = "Cannot find this client: it has no usable options for webpush";
      throw new ServiceError("not_found", message);
    }
    c.header("cache-control", `public, max-age=${MAX_AGE_SECONDS}`);
    return c.json({ applicationServerKey });
  });

  return app;
}
