/** `/openapi.json` and `/docs`: the OpenAPI document, and Swagger UI without external resources. */

import { OpenAPIHono } from "@hono/zod-openapi";
import bundle from "swagger-ui-dist/swagger-ui-bundle.js" with { type: "text" };
import styles from "swagger-ui-dist/swagger-ui.css" with { type: "text" };
import type { App, Env } from "./_openapi.ts";

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Carillon API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
`;

const START = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true });\n`;

/** Allows only resources of this service, and no frames. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const FILES: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  "/docs": { type: "text/html; charset=utf-8", text: PAGE },
  "/docs/swagger-ui.css": { type: "text/css; charset=utf-8", text: styles },
  "/docs/swagger-ui-bundle.js": { type: "text/javascript; charset=utf-8", text: bundle },
  "/docs/start.js": { type: "text/javascript; charset=utf-8", text: START },
};

/**
 * Creates the routes.
 *
 * @param document returns the OpenAPI document; called once
 */
export function docsRoutes(document: () => unknown): App {
  const app = new OpenAPIHono<Env>();
  let json: string | undefined;
  app.get("/openapi.json", (c) => {
    json ??= JSON.stringify(document());
    c.header("content-type", "application/json");
    return c.body(json);
  });
  for (const [path, { type, text }] of Object.entries(FILES)) {
    app.get(path, (c) => {
      c.header("content-type", type);
      c.header("content-security-policy", POLICY);
      c.header("cache-control", "max-age=3600");
      return c.body(text);
    });
  }
  return app;
}
