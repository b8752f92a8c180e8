/** `/v1/status`: what the nodes do now; `/v1/sockets`: the sockets of one user on all nodes. */

import { z } from "@hono/zod-openapi";
import type { Presence } from "../core/events.ts";
import type { NodeReport } from "../core/node_report.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { count, named, ofUser, text } from "./_schemas.ts";

const { client, transport } = named;

const OUTCOME = z.enum([
  ...["sent", "kept", "offline", "source", "gone", "rejected", "retry", "misconfigured"] as const,
]);

const report = z.object({
  node: text("b30f3961"),
  address: text("0.0.0.0:8080"),
  at: count(1_795_435_200_000),
  startedAt: count(1_795_348_800_000).optional(),
  version: text("0.1.0"),
  ready: z.boolean(),
  failed: z.array(z.string()).openapi({ example: [] }),
  sockets: z.record(z.string(), z.int()).openapi({ example: { "open-xchange-appsuite": 12 } }),
  buffer: z.object({ waiting: count(3), due: count(0), running: count(1), inFlight: count(4) }),
  retriesWaiting: count(0),
  queues: z.array(z.object({
    transport,
    client,
    inFlight: count(1),
    waiting: count(0),
    oldestMs: z.int().optional(),
    breaker: z.enum(["closed", "open"]),
    reason: z.string().optional(),
    last: z.object({ outcome: OUTCOME, reason: z.string().optional(), at: z.int() })
      .optional().openapi({
        description: "The result of the last attempt that ended",
        example: { outcome: "sent", at: 1_795_435_199_000 },
      }),
  })),
  accepted: count(214),
  settled: z.record(z.string(), z.int()).openapi({ example: { delivered: 210 } }),
  outcomes: z.array(z.object({ transport, client, outcome: text("sent"), count: count(198) })),
  credentials: z.array(z.object({
    transport,
    client,
    ready: z.boolean(),
    detail: z.string().optional(),
    environment: text(
      "sandbox",
      "Which of the provider's environments, projects or servers it calls",
    )
      .optional(),
    daysLeft: count(120).optional(),
  })),
}).openapi("NodeReport");

const sockets = z.object({
  items: z.array(z.object({
    client: text("open-xchange-appsuite"),
    id: text("c-1"),
    socketId: text("Jx3mVq0T2c"),
    open: z.boolean().openapi({
      description: "False where it closed so recently that its client may resume",
    }),
  })),
});

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
  const { app, route } = createGroup("Operations", authenticate);

  // Reports cover all contexts, as metrics do.
  route({
    ...{
      id: "listNodeReports",
      method: "get",
      path: "/status",
      summary: "Show what all nodes do",
      scope: "read",
    },
    answers: {
      200: {
        text: "One report per node, this one first",
        schema: z.object({ items: z.array(report) }),
      },
    },
    inAllContexts: true,
  }, async (c) => {
    return c.json({ items: await reports() });
  });

  route({
    ...{
      id: "listSockets",
      method: "get",
      path: "/sockets",
      summary: "List a user's sockets on all nodes",
    },
    scope: "read",
    query: ofUser,
    answers: { 200: { text: "Open sockets, and those that may resume", schema: sockets } },
  }, async (c) => {
    const named = readQuery(c, ofUser);
    inContext(c.var.principal, { scope: "read", context: named.context });
    const items = (await presence(named)).map(({ client, id, socketId, open }) => ({
      ...{ client, id, socketId, open },
    }));
    return c.json({ items });
  });

  return app;
}
