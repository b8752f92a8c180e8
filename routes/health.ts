/**
 * `/livez`, `/readyz` and `/metrics`: for those who watch the service. The names of clients and
 * topics are not for everybody, so a public port gives them to API keys only, or not at all.
 */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ServiceError } from "../core/errors.ts";
import type { Metrics } from "../core/metrics.ts";
import { allows } from "../core/principal.ts";
import { type Authenticate, inAllContexts, needs } from "./_authorize.ts";
import { authenticateHeader } from "./_credential.ts";
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
  readonly authenticate: Authenticate;
  readonly ready: () => Promise<readonly ReadinessCheck[]>;
  readonly metrics: Metrics;
}

/**
 * Who gets the details of `/readyz`, and `/metrics`: everybody (`open`), credentials with scope
 * `read` for all contexts (`read`), or nobody, because they are served elsewhere (`none`).
 */
type Details = "open" | "read" | "none";

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.unknown().optional() }))
    .optional().openapi({ description: "Only with a credential with scope `read`" }),
}).openapi("Readiness");

const TAG = "Operations";

/** Returns the routes for a listener. */
export function healthRoutes(deps: HealthDeps, { details }: { readonly details: Details }): App {
  const { authenticate, ready } = deps;
  const app = new OpenAPIHono<Env>();

  describe(app, {
    ...{ method: "get", path: "/livez", tag: TAG, summary: "Whether the process answers" },
    answers: { 200: { text: "It does", type: "text/plain", schema: z.string() } },
  });
  app.get("/livez", (c) => c.text("ok\n"));

  describe(app, {
    ...{ method: "get", path: "/readyz", tag: TAG, summary: "Whether the node takes traffic" },
    answers: {
      200: { text: "It does", schema: readiness },
      503: { text: "It does not", schema: readiness },
    },
  });
  app.get("/readyz", async (c) => {
    const all = await ready();
    const isReady = takesTraffic(all);
    const status = isReady ? 200 : 503;
    const isDetailed = details === "open" ||
      details === "read" && await mayRead(authenticate, c.req.raw);
    if (!isDetailed) return c.json({ ready: isReady }, status);
    const byName = Object.fromEntries(all.map(({ name, ok, detail }) => [name, { ok, detail }]));
    return c.json({ ready: isReady, checks: byName }, status);
  });

  if (details !== "none") addMetrics(app, deps, details);
  return app;
}

/** Whether a node with these checks takes traffic. */
export function takesTraffic(checks: readonly ReadinessCheck[]): boolean {
  return checks.every(({ ok, optional }) => ok || optional);
}

function addMetrics(
  app: App,
  { authenticate, metrics }: HealthDeps,
  details: Exclude<Details, "none">,
): void {
  describe(app, {
    ...{ method: "get", path: "/metrics", tag: TAG, summary: "Metrics for Prometheus" },
    ...(details === "read" && { scope: "read" }),
    answers: { 200: { text: "Text exposition format", type: "text/plain", schema: z.string() } },
  });
  async function expose(c: Context<Env>): Promise<Response> {
    c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await metrics.expose());
  }
  // What is measured is everybody's, so a credential for some contexts does not do.
  if (details === "open") app.get("/metrics", expose);
  else app.get("/metrics", needs(authenticate, "read"), inAllContexts(), expose);
}

/**
 * Whether a request has a credential for the details. A bad one is no error: a balancer whose key
 * was revoked must not take the node for one that is not ready.
 */
async function mayRead(authenticate: Authenticate, request: Request): Promise<boolean> {
  try {
    const principal = await authenticateHeader(authenticate, request);
    return allows(principal, "read") && principal.contexts === undefined;
  } catch (thrown) {
    if (thrown instanceof ServiceError) return false;
    throw thrown;
  }
}
