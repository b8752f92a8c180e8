/** `/openapi.json` and `/docs`: the API, described and browsable without the internet. */

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

/** Everything comes from here; nothing is loaded from elsewhere, and nothing is framed. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

const FILES: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {
  "/docs": { type: "text/html; charset=utf-8", text: PAGE },
  "/docs/swagger-ui.css": { type: "text/css; charset=utf-8", text: styles },
  "/docs/swagger-ui-bundle.js": { type: "text/javascript; charset=utf-8", text: bundle },
  "/docs/start.js": { type: "text/javascript; charset=utf-8", text: START },
};

/** `document` makes the OpenAPI document; it is asked once. */
export function docsRoutes(document: () => unknown): App {
  const app = new OpenAPIHono<Env>();
  let made: string | undefined;
  app.get("/openapi.json", (c) => {
    made ??= JSON.stringify(document());
    c.header("content-type", "application/json");
    return c.body(made);
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
