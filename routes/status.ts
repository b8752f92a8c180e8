/** `/v1/status`: what the nodes do now; `/v1/sockets`: the sockets of one user on all nodes. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Presence } from "../core/events.ts";
import type { NodeReport } from "../core/node_report.ts";
import { type Authenticate, inAllContexts, inContext, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, user } from "./_schemas.ts";

const report = z.object({
  node: z.string(),
  address: z.string(),
  at: z.int(),
  version: z.string(),
  ready: z.boolean(),
  failed: z.array(z.string()),
  sockets: z.record(z.string(), z.int()),
  buffer: z.object({ waiting: z.int(), due: z.int(), running: z.int(), inFlight: z.int() }),
  retriesWaiting: z.int(),
  queues: z.array(z.object({
    transport: z.string(),
    client: z.string(),
    inFlight: z.int(),
    waiting: z.int(),
    oldestMs: z.int().optional(),
    breaker: z.enum(["closed", "open"]),
    reason: z.string().optional(),
    last: z.object({
      outcome: z.enum([
        "sent",
        "kept",
        "offline",
        "source",
        "gone",
        "rejected",
        "retry",
        "misconfigured",
      ]),
      reason: z.string().optional(),
      at: z.int(),
    }).optional().openapi({ description: "The result of the last attempt that ended" }),
  })),
  accepted: z.int(),
  settled: z.record(z.string(), z.int()),
  outcomes: z.array(z.object({
    transport: z.string(),
    client: z.string(),
    outcome: z.string(),
    count: z.int(),
  })),
  credentials: z.array(z.object({
    transport: z.string(),
    client: z.string(),
    ready: z.boolean(),
    detail: z.string().optional(),
    environment: z.string().optional().openapi({
      description: "Which of the provider's environments, projects or servers it calls",
    }),
    daysLeft: z.int().optional(),
  })),
}).openapi("NodeReport");

const sockets = z.object({
  items: z.array(z.object({
    client: z.string(),
    id: z.string(),
    socketId: z.string(),
    open: z.boolean().openapi({
      description: "False where it closed so recently that its client may resume",
    }),
  })),
});

const ofUser = z.strictObject({ context, user });

/** The dependencies of {@link statusRoutes}. */
export interface StatusDeps {
  readonly authenticate: Authenticate;
  readonly reports: () => Promise<readonly NodeReport[]>;
  readonly presence: (
    user: { readonly context: string; readonly user: string },
  ) => Promise<readonly Presence[]>;
}

/** Creates the routes `/v1/status` and `/v1/sockets`. */
export function statusRoutes({ authenticate, reports, presence }: StatusDeps): App {
  const app = new OpenAPIHono<Env>();
  const tag = "Operations";

  describe(app, {
    ...{ method: "get", path: "/status", tag, summary: "Show what all nodes do", scope: "read" },
    answers: {
      200: {
        text: "One report per node, this one first",
        schema: z.object({ items: z.array(report) }),
      },
    },
  });
  // Reports cover all contexts, as metrics do.
  app.get("/status", needs(authenticate, "read"), inAllContexts(), async (c) => {
    return c.json({ items: await reports() });
  });

  describe(app, {
    ...{ method: "get", path: "/sockets", tag, summary: "List a user's sockets on all nodes" },
    scope: "read",
    query: ofUser,
    answers: { 200: { text: "Open sockets, and those that may resume", schema: sockets } },
  });
  app.get("/sockets", needs(authenticate, "read"), async (c) => {
    const named = readQuery(c, ofUser);
    inContext(c.var.principal, { scope: "read", context: named.context });
    const items = (await presence(named)).map(({ client, id, socketId, open }) => ({
      ...{ client, id, socketId, open },
    }));
    return c.json({ items });
  });

  return app;
}
