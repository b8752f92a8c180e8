/** `/v1/admin`: what the node is, reload the configuration, take the node out of service. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import { placeOf, type ReloadResult } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { type Authenticate, inAllContexts, needs } from "./_authorize.ts";
import { type App, describe, type Env } from "./_openapi.ts";

/** What a node says of itself. */
export interface NodeFacts {
  readonly version: string;
  readonly deno: string;
  /** The same on all nodes that share a store. */
  readonly store: string;
  /** Epoch milliseconds by the node's own clock. */
  readonly now: number;
  readonly upSeconds: number;
  readonly pingIntervalMs: number;
}

/** What these routes need. */
export interface AdminDeps {
  readonly node: () => Promise<NodeFacts>;
  readonly authenticate: Authenticate;
  readonly reload: () => Promise<ReloadResult>;
  /** Begins to take the node out of service; resolves before it has ended. */
  readonly drain: () => void;
}

const warning = z.object({ path: z.string(), message: z.string() });

const reloaded = z.object({
  changedKeys: z.array(z.string()),
  needsRestart: z.array(z.string()),
  warnings: z.array(warning),
}).openapi("Reloaded");

const nodeBody = z.object({
  version: z.string(),
  deno: z.string(),
  store: z.string().openapi({ description: "The same on all nodes that share a store" }),
  now: z.int().openapi({ description: "Epoch milliseconds by the node's clock" }),
  upSeconds: z.int(),
  pingIntervalMs: z.int(),
}).openapi("Node");

/** See the file's comment. */
export function adminRoutes({ authenticate, node, reload, drain }: AdminDeps): App {
  const app = new OpenAPIHono<Env>();
  // What is done here is done to everybody.
  app.use(needs(authenticate, "admin"), inAllContexts());

  describe(app, {
    method: "get",
    path: "/node",
    tag: "Operations",
    summary: "What this node is: its version, its store, its clock",
    scope: "admin",
    answers: { 200: { text: "What it is", schema: nodeBody } },
  });
  app.get("/node", async (c) => c.json({ ...await node() }));

  describe(app, {
    method: "post",
    path: "/reload",
    tag: "Operations",
    summary: "Read the configuration anew: all of it, or nothing changes",
    scope: "admin",
    answers: { 200: { text: "What changed", schema: reloaded } },
    errors: ["invalid_configuration"],
  });
  app.post("/reload", async (c) => {
    const result = await reload();
    if (!result.ok) {
      throw new ServiceError(
        "invalid_configuration",
        "Cannot reload: the old configuration stays",
        {
          faults: result.faults.map((fault) => ({ path: placeOf(fault), message: fault.message })),
        },
      );
    }
    const { changedKeys, needsRestart, warnings } = result;
    return c.json({
      changedKeys,
      needsRestart,
      warnings: warnings.map((each) => ({ path: placeOf(each), message: each.message })),
    });
  });

  describe(app, {
    method: "post",
    path: "/drain",
    tag: "Operations",
    summary: "Take this node out: not ready at once, sockets closed a few per second",
    scope: "admin",
    answers: { 202: { text: "It has begun", schema: z.object({ draining: z.literal(true) }) } },
  });
  app.post("/drain", (c) => {
    drain();
    return c.json({ draining: true }, 202);
  });

  return app;
}
