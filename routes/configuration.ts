/** `/v1/config`: the configuration of the server or of one user, each key with its origin. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Snapshot } from "../cascade/mod.ts";
import { type Authenticate, inAllContexts, inContext, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, user } from "./_schemas.ts";

const ofUser = z.strictObject({ context, user });

const listed = z.object({
  items: z.array(z.object({
    key: z.string(),
    value: z.string(),
    scope: z.string(),
    source: z.string().optional(),
    applies: z.string(),
  })),
});

/** The dependencies of {@link configurationRoutes}. */
export interface ConfigurationDeps {
  readonly authenticate: Authenticate;
  readonly snapshot: () => Pick<Snapshot, "view" | "serverView">;
}

/** Creates the routes `/v1/config`. */
export function configurationRoutes({ authenticate, snapshot }: ConfigurationDeps): App {
  const app = new OpenAPIHono<Env>();
  const tag = "Configuration";

  describe(app, {
    ...{ method: "get", path: "/server", tag, summary: "List the keys of the server" },
    scope: "read",
    answers: { 200: { text: "Every key; secrets are redacted", schema: listed } },
  });
  app.get("/server", needs(authenticate, "read"), inAllContexts(), (c) => {
    return c.json({ items: snapshot().serverView().list() });
  });

  describe(app, {
    ...{ method: "get", path: "/user", tag, summary: "List the keys as they are for a user" },
    scope: "read",
    query: ofUser,
    answers: { 200: { text: "Every key; secrets are redacted", schema: listed } },
  });
  app.get("/user", needs(authenticate, "read"), async (c) => {
    const { context, user } = readQuery(c, ofUser);
    inContext(c.var.principal, { scope: "read", context });
    return c.json({ items: (await snapshot().view(context, user)).list() });
  });

  return app;
}
