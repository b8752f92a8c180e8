/** Which pages may call routes with a user's credential or cookies, and read their answers. */

import type { Context, MiddlewareHandler } from "hono";
import type { Snapshot } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { isOriginAllowed, preflight, withCors } from "../core/origins.ts";
import type { Env } from "./_openapi.ts";

type Settings = () => Pick<Snapshot, "settings">;

/**
 * Middleware: refuses requests of pages from elsewhere, which a browser would send the user's cookies
 * with, and adds the CORS headers that allowed pages need. Pages of this host are always allowed, and
 * so are requests that no page sent.
 *
 * @throws {ServiceError} `foreign_origin`
 */
export function forAllowedPages(snapshot: Settings, methods: string): MiddlewareHandler<Env> {
  return async function checkOrigin(c, next) {
    const { origin, isAllowed } = originOf(c, snapshot);
    // Older browsers leave out `Origin` here and there; `Sec-Fetch-Site` says the same.
    if (!isAllowed || origin === null && c.req.header("sec-fetch-site") === "cross-site") {
      const message = "Pages of this origin may not call this API: " +
        "io.carillon.websocket.allowedOrigins names those that may";
      throw new ServiceError("foreign_origin", message);
    }
    if (c.req.method === "OPTIONS") return withCors(origin, preflight(c.req.raw, methods));
    await next();
    allowOrigin(c, origin);
  };
}

/**
 * Middleware: adds the CORS headers that allowed pages need. Other pages are answered without them,
 * so that their browsers do not show them the answer.
 */
export function readableByAllowedPages(snapshot: Settings): MiddlewareHandler<Env> {
  return async function addCors(c, next) {
    const { origin, isAllowed } = originOf(c, snapshot);
    if (c.req.method === "OPTIONS") c.res = preflight(c.req.raw);
    else await next();
    allowOrigin(c, isAllowed ? origin : null);
  };
}

function originOf(c: Context<Env>, snapshot: Settings) {
  const origin = c.req.header("origin") ?? null;
  const host = c.req.header("host") ?? null;
  const allowed = snapshot().settings.realtime.allowedOrigins;
  return { origin, isAllowed: isOriginAllowed({ origin, host, allowed }) };
}

function allowOrigin({ res }: Context<Env>, origin: string | null): void {
  // A shared cache must not return an answer without the headers to an allowed page.
  if (origin === null) res.headers.append("vary", "Origin");
  else withCors(origin, res);
}
