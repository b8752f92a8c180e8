/** `/v1/config`: the configuration of the server or of one user, each key with its origin. */

import { z } from "@hono/zod-openapi";
import type { Snapshot } from "../cascade/mod.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { ofUser, text } from "./_schemas.ts";

const listed = z.object({
  items: z.array(z.object({
    key: text("com.openexchange.pns.transport.websocket.enabled"),
    value: text("true"),
    scope: text("server"),
    source: text("pns.properties:3:1").optional(),
    applies: text("at once"),
  })),
});

/** The dependencies of {@link configurationRoutes}. */
export interface ConfigurationDeps {
  readonly authenticate: Authenticate;
  readonly snapshot: () => Pick<Snapshot, "view" | "serverView">;
}

/** Creates the routes `/v1/config`. */
export function configurationRoutes({ authenticate, snapshot }: ConfigurationDeps): App {
  const { app, route } = createGroup("Configuration", authenticate);

  route({
    ...{
      id: "listServerConfig",
      method: "get",
      path: "/server",
      summary: "List the keys of the server",
    },
    scope: "read",
    answers: { 200: { text: "Every key; secrets are redacted", schema: listed } },
    inAllContexts: true,
  }, (c) => {
    return c.json({ items: snapshot().serverView().list() });
  });

  route({
    ...{
      id: "listUserConfig",
      method: "get",
      path: "/user",
      summary: "List the keys as they are for a user",
    },
    scope: "read",
    query: ofUser,
    answers: { 200: { text: "Every key; secrets are redacted", schema: listed } },
  }, async (c) => {
    const { context, user } = readQuery(c, ofUser);
    inContext(c.var.principal, { scope: "read", context });
    return c.json({ items: (await snapshot().view(context, user)).list() });
  });

  return app;
}
