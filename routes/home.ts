/**
 * `/` in a browser: leads to the console where the same listener serves it; otherwise a page that names the service, says whether it is ready, and links to the API
 * documentation. It has no scripts and discloses no more than `/readyz`. Requests that do not accept
 * HTML receive a 404.
 */

import { hash } from "node:crypto";
import { OpenAPIHono } from "@hono/zod-openapi";
import { type HealthDeps, isNodeReady } from "./health.ts";
import type { App, Env } from "./_openapi.ts";

const STYLES = `
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
`;

/** Allows the styles above, and no other resources, forms or frames. */
const POLICY = `default-src 'none'; style-src 'sha256-${hash("sha256", STYLES, "base64")}'; ` +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Creates the route `/`. */
export function homeRoutes(
  { ready, hasConsole }: Pick<HealthDeps, "ready"> & {
    /** Whether the same listener serves the console. */
    readonly hasConsole: boolean;
  },
): App {
  const app = new OpenAPIHono<Env>();
  app.get("/", async (c) => {
    if (!wantsHtml(c.req.header("accept"))) return c.notFound();
    if (hasConsole) return c.redirect("/console", 303);
    c.header("content-security-policy", POLICY);
    c.header("referrer-policy", "no-referrer");
    c.header("cache-control", "no-store");
    c.header("vary", "accept");
    return c.html(page(isNodeReady(await ready())));
  });
  return app;
}

/** Whether an `Accept` header names HTML (RFC 9110 §12.5.1); a wildcard does not. */
export function wantsHtml(accept: string | undefined): boolean {
  return (accept ?? "").split(",").some((range) => {
    const [type, ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "text/html" && !parameters.some((each) => /^q=0(?:\.0*)?$/.test(each));
  });
}

function page(isReady: boolean): string {
  const state = isReady ? "It is ready." : "It is not ready to take requests.";
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex">
<title>Carillon</title>
<style>${STYLES}</style>
<h1>Carillon</h1>
<p>This is a push notification service: applications publish to a user, and it delivers to the
user's browsers and devices. ${state}</p>
<p>The API is described at <a href="/docs">/docs</a>.</p>
</html>
`;
}
