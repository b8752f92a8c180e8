/** Puts the parts together that stand beside an Open-Xchange middleware. */

import type { Publish } from "../delivery/mod.ts";
import {
  createWebhookReceiver,
  Middleware,
  MiddlewareSessions,
  watchSessions,
  type WebhookReceiver,
} from "../open_xchange/mod.ts";
import type { Realtime } from "../realtime/mod.ts";
import type { ReadinessCheck } from "../routes/mod.ts";
import type { Foundation } from "./foundation.ts";

/** The middleware, and what asks it. */
export interface OpenXchange {
  readonly middleware: Middleware;
  readonly sessions: MiddlewareSessions;
  /** Whether the middleware answers; a node without it still takes traffic. */
  checks(): readonly ReadinessCheck[];
  /** Takes webhooks and publishes them. */
  receiver(publish: Publish): WebhookReceiver;
  /** Closes sockets whose sessions the middleware has ended. */
  watch(realtime: Pick<Realtime, "sessionIds" | "closeSession">): AsyncDisposable;
}

/** Creates them. Without an address of a middleware, its sessions are refused. */
export function createOpenXchange(
  { cascade, clock, random, log, metrics }: Foundation,
): OpenXchange {
  const settings = () => cascade.current().settings;
  const middleware = new Middleware({
    ...{ fetch, clock, log, metrics, settings: () => settings().middleware },
  });
  const sessions = new MiddlewareSessions({
    ...{ middleware, clock, cacheAgeMs: () => settings().middleware.cacheAgeMs },
  });
  metrics.beforeScrape(() =>
    metrics.set("carillon_middleware_open", {}, middleware.isOpen ? 1 : 0)
  );
  return {
    middleware,
    sessions,
    checks: () =>
      middleware.isConfigured
        ? [{ name: "open-xchange middleware", ok: !middleware.isOpen, optional: true }]
        : [],
    receiver: (publish) =>
      createWebhookReceiver({
        ...{ publish, clock, metrics, expectations: () => settings().webhookIn },
      }),
    watch: (realtime) =>
      watchSessions({
        ...{ sessions, clock, random, log, everyMs: () => settings().middleware.recheckMs },
        openSessions: () => realtime.sessionIds(),
        closeSession: (id) => realtime.closeSession(id),
      }),
  };
}
