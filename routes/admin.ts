/** `/v1/admin`: shows what the node is, reloads the configuration, drains the node. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { ReloadResult } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { type FileFault, placeOf } from "../core/file_fault.ts";
import { type Authenticate, inAllContexts, needs } from "./_authorize.ts";
import { readQuery } from "./_input.ts";
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

/** The dependencies of {@link adminRoutes}. */
export interface AdminDeps {
  readonly node: () => Promise<NodeFacts>;
  readonly authenticate: Authenticate;
  readonly reload: () => Promise<ReloadResult>;
  /** Returns what a reload would do. */
  readonly previewReload: () => Promise<ReloadResult>;
  /** Begins to drain the node, and returns at once. */
  readonly drain: () => void;
}

const warning = z.object({ path: z.string(), message: z.string() });

const reloaded = z.object({
  changedKeys: z.array(z.string()),
  needsRestart: z.array(z.string()),
  warnings: z.array(warning),
}).openapi("Reloaded");

const reloadQuery = z.strictObject({
  dryRun: z.enum(["true", "false"]).optional().openapi({
    description: "`true`: only say what a reload would change",
  }),
});

const nodeBody = z.object({
  version: z.string(),
  deno: z.string(),
  store: z.string().openapi({ description: "The same on all nodes that share a store" }),
  now: z.int().openapi({ description: "Epoch milliseconds by the node's clock" }),
  upSeconds: z.int(),
  pingIntervalMs: z.int(),
}).openapi("Node");

/** Creates the routes of `/v1/admin`. */
export function adminRoutes({ authenticate, node, reload, previewReload, drain }: AdminDeps): App {
  const app = new OpenAPIHono<Env>();
  // These operations affect all contexts.
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
    summary: "Reload the configuration, all or nothing",
    scope: "admin",
    query: reloadQuery,
    answers: { 200: { text: "The changes", schema: reloaded } },
    errors: ["invalid_configuration"],
  });
  app.post("/reload", async (c) => {
    const isDryRun = readQuery(c, reloadQuery).dryRun === "true";
    const result = await (isDryRun ? previewReload() : reload());
    if (!result.ok) {
      throw new ServiceError(
        "invalid_configuration",
        "Cannot reload: the configuration has faults; the previous one stays in effect",
        { faults: result.faults.map(present) },
      );
    }
    const { changedKeys, needsRestart, warnings } = result;
    return c.json({ changedKeys, needsRestart, warnings: warnings.map(present) });
  });

  describe(app, {
    method: "post",
    path: "/drain",
    tag: "Operations",
    summary: "Drain this node: it becomes unready at once and closes its sockets gradually",
    scope: "admin",
    answers: {
      202: { text: "The drain has begun", schema: z.object({ draining: z.literal(true) }) },
    },
  });
  app.post("/drain", (c) => {
    drain();
    return c.json({ draining: true }, 202);
  });

  return app;
}

function present(found: FileFault) {
  return { path: placeOf(found), message: found.message };
}
