/** `/v1/admin`: shows what the node is, reloads the configuration, drains the node. */

import { z } from "@hono/zod-openapi";
import type { ReloadResult } from "../cascade/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { type FileFault, placeOf } from "../core/file_fault.ts";
import type { Authenticate } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { count, text } from "./_schemas.ts";

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

const reloaded = z.object({
  changedKeys: z.array(text("com.openexchange.pns.delayDuration")),
  needsRestart: z.array(z.string()).openapi({ example: [] }),
  warnings: z.array(z.object({ path: z.string(), message: z.string() })).openapi({ example: [] }),
}).openapi("Reloaded");

const reloadQuery = z.strictObject({
  dryRun: z.enum(["true", "false"]).optional().openapi({
    description: "`true`: only say what a reload would change",
  }),
});

const nodeBody = z.object({
  version: text("0.1.0"),
  deno: text("2.9.6"),
  store: text("0f3a2f1f8a4e", "The same on all nodes that share a store"),
  now: count(1_795_435_200_000, "Epoch milliseconds by the node's clock"),
  upSeconds: count(86_400),
  pingIntervalMs: count(25_000),
}).openapi("Node");

/** Creates the routes of `/v1/admin`. */
export function adminRoutes({ authenticate, node, reload, previewReload, drain }: AdminDeps): App {
  const { app, route } = createGroup("Operations", authenticate);
  // These operations affect all contexts.
  const common = { scope: "admin", inAllContexts: true } as const;

  route({
    ...{ ...common, id: "getNode", method: "get", path: "/node" },
    summary: "What this node is: its version, its store, its clock",
    answers: { 200: { text: "What it is", schema: nodeBody } },
  }, async (c) => c.json({ ...await node() }));

  route({
    ...{ ...common, id: "reload", method: "post", path: "/reload" },
    summary: "Reload the configuration, all or nothing",
    query: reloadQuery,
    answers: { 200: { text: "The changes", schema: reloaded } },
    errors: ["invalid_configuration"],
  }, async (c) => {
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

  route({
    ...{ ...common, id: "drain", method: "post", path: "/drain" },
    summary: "Drain this node: it becomes unready at once and closes its sockets gradually",
    answers: {
      202: { text: "The drain has begun", schema: z.object({ draining: z.literal(true) }) },
    },
  }, (c) => {
    drain();
    return c.json({ draining: true }, 202);
  });

  return app;
}

function present(found: FileFault) {
  return { path: placeOf(found), message: found.message };
}
