/** Creates groups of routes: each is described once, for its app and for the OpenAPI document. */

import { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { type Authenticate, inAllContexts, needs } from "./_authorize.ts";
import { type App, describe, type Description, type Env } from "./_openapi.ts";

interface Route extends Omit<Description, "tag"> {
  /** Whether callers that are limited to some contexts are refused. */
  readonly inAllContexts?: boolean;
}

/** Handles the requests of a route, after the caller's scope was checked. */
type Handler = (c: Context<Env>) => Response | Promise<Response>;

/** An app, and the function that adds a route to it and to the OpenAPI document. */
export interface RouteGroup {
  readonly app: App;
  route(route: Route, handler: Handler): void;
}

/** Creates a group without routes; `tag` is its heading in the document. */
export function createGroup(tag: string, authenticate: Authenticate): RouteGroup {
  const app = new OpenAPIHono<Env>();
  return {
    app,
    route({ inAllContexts: everywhere, ...description }, handler) {
      describe(app, { tag, ...description });
      const { method, path, scope } = description;
      const guards = scope === undefined ? [] : [needs(authenticate, ...[scope].flat())];
      if (everywhere) guards.push(inAllContexts());
      const pattern = path.replaceAll(/\{(\w+)\}/g, ":$1");
      app.on(method.toUpperCase(), [pattern], ...guards, handler);
    },
  };
}
