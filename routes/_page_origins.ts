/** Which pages may call the original's API with a user's cookies, and read its answers. */

import type { MiddlewareHandler } from "hono";
import type { Snapshot } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isOriginAllowed, preflight, withCors } from "../core/origins.ts";
import type { Env } from "./_openapi.ts";

/**
 * Middleware: refuses requests of pages from elsewhere, which a browser would send the user's cookies
 * with, and adds the CORS headers that allowed pages need. Pages of this host are always allowed, and
 * so are requests that no page sent.
 *
 * @throws {ServiceError} `foreign_origin`
 */
export function forAllowedPages(
  snapshot: () => Pick<Snapshot, "settings">,
  methods: string,
): MiddlewareHandler<Env> {
  return async function checkOrigin(c, next) {
    const origin = c.req.header("origin") ?? null;
    const host = c.req.header("host") ?? null;
    const allowed = snapshot().settings.realtime.allowedOrigins;
    // Older browsers leave out `Origin` here and there; `Sec-Fetch-Site` says the same.
    const isForeign = origin === null && c.req.header("sec-fetch-site") === "cross-site" ||
      !isOriginAllowed({ origin, host, allowed });
    if (isForeign) {
      const message = "Pages of this origin may not call this API: " +
        "io.carillon.websocket.allowedOrigins names those that may";
      throw new ServiceError("foreign_origin", message);
    }
    if (c.req.method === "OPTIONS") return withCors(origin, preflight(c.req.raw, methods));
    await next();
    if (origin === null) c.res.headers.append("vary", "Origin");
    else withCors(origin, c.res);
  };
}
