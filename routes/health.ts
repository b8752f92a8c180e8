/** `/livez`, `/readyz` and `/metrics`: for those who watch the service. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Metrics } from "../core/metrics.ts";
import { type App, describe, type Env } from "./_openapi.ts";

/** One thing that must be in order before the node takes traffic. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** A fault here does not take the node out of the balancer. */
  readonly optional?: boolean;
  readonly detail?: unknown;
}

/** What these routes need. */
export interface HealthDeps {
  readonly ready: () => Promise<readonly ReadinessCheck[]>;
  readonly metrics: Metrics;
}

const checks = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.unknown().optional() })),
});

/** See the file's comment. */
export function healthRoutes({ ready, metrics }: HealthDeps): App {
  const app = new OpenAPIHono<Env>();
  const tag = "Operations";

  describe(app, {
    ...{ method: "get", path: "/livez", tag, summary: "Whether the process answers" },
    answers: { 200: { text: "It does", type: "text/plain", schema: z.string() } },
  });
  app.get("/livez", (c) => c.text("ok\n"));

  describe(app, {
    ...{ method: "get", path: "/readyz", tag, summary: "Whether the node takes traffic, and why" },
    answers: {
      200: { text: "It does", schema: checks },
      503: { text: "It does not", schema: checks },
    },
  });
  app.get("/readyz", async (c) => {
    const all = await ready();
    const isReady = all.every(({ ok, optional }) => ok || optional);
    const byName = Object.fromEntries(all.map(({ name, ok, detail }) => [name, { ok, detail }]));
    return c.json({ ready: isReady, checks: byName }, isReady ? 200 : 503);
  });

  describe(app, {
    ...{ method: "get", path: "/metrics", tag, summary: "Metrics for Prometheus" },
    answers: { 200: { text: "Text exposition format", type: "text/plain", schema: z.string() } },
  });
  app.get("/metrics", async (c) => {
    c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await metrics.expose());
  });

  return app;
}
