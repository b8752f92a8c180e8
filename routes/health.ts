/**
 * `/livez`, `/readyz` and `/metrics`. The names of clients and topics are not public, so a public port
 * returns details only to API keys, or not at all.
 */

import { z } from "@hono/zod-openapi";
import { ServiceError } from "../core/errors.ts";
import type { Metrics } from "../core/metrics.ts";
import { allows } from "../core/principal.ts";
import type { Authenticate } from "./_authorize.ts";
import { authenticateHeader } from "./_credential.ts";
import { createGroup } from "./_group.ts";
import type { App } from "./_openapi.ts";
import { text } from "./_schemas.ts";

/** The result of one readiness check. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ok: boolean;
  /** Whether the node is ready even if this check fails. */
  readonly optional?: boolean;
  readonly detail?: unknown;
}

/** The dependencies of {@link healthRoutes}. */
export interface HealthDeps {
  readonly authenticate: Authenticate;
  readonly ready: () => Promise<readonly ReadinessCheck[]>;
  readonly metrics: Metrics;
}

/**
 * Who may read `/metrics` and the details of `/readyz`: everybody (`open`), credentials with scope
 * `read` for all contexts (`read`), or nobody (`none`).
 */
type Details = "open" | "read" | "none";

const readiness = z.object({
  ready: z.boolean(),
  checks: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.unknown().optional() }))
    .optional().openapi({
      description: "Only with a credential with scope `read`",
      example: { store: { ok: true } },
    }),
}).openapi("Readiness");

/** Creates the health routes of a listener. */
export function healthRoutes(deps: HealthDeps, { details }: { readonly details: Details }): App {
  const { authenticate, ready, metrics } = deps;
  const { app, route } = createGroup("Operations", authenticate);

  route({
    ...{ id: "livez", method: "get", path: "/livez", summary: "Whether the process runs" },
    answers: { 200: { text: "It runs", type: "text/plain", schema: text("ok\n") } },
  }, (c) => c.text("ok\n"));

  route({
    ...{ id: "readyz", method: "get", path: "/readyz", summary: "Whether the node is ready" },
    answers: {
      200: { text: "It is ready", schema: readiness },
      503: { text: "It is not ready", schema: readiness, example: { ready: false } },
    },
  }, async (c) => {
    const all = await ready();
    const isReady = isNodeReady(all);
    const status = isReady ? 200 : 503;
    const isDetailed = details === "open" ||
      details === "read" && await mayRead(authenticate, c.req.raw);
    if (!isDetailed) return c.json({ ready: isReady }, status);
    const byName = Object.fromEntries(all.map(({ name, ok, detail }) => [name, { ok, detail }]));
    return c.json({ ready: isReady, checks: byName }, status);
  });

  if (details === "none") return app;
  const exposition = text("# TYPE carillon_notifications_accepted_total counter\n");
  route({
    ...{ id: "metrics", method: "get", path: "/metrics", summary: "Metrics for Prometheus" },
    // Metrics cover all contexts, so a credential for some contexts does not suffice.
    ...(details === "read" && { scope: "read", inAllContexts: true }),
    answers: { 200: { text: "Text exposition format", type: "text/plain", schema: exposition } },
  }, async (c) => {
    c.header("content-type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await metrics.expose());
  });
  return app;
}

/** Whether a node with these checks is ready. */
export function isNodeReady(checks: readonly ReadinessCheck[]): boolean {
  return checks.every(({ ok, optional }) => ok || optional);
}

/**
 * Whether a request has a credential for the details. A bad credential is not an error: a balancer
 * whose key was revoked must not consider the node unready.
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
