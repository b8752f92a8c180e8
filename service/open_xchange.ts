/** Puts the parts together that stand beside an Open-Xchange middleware. */

import type { Settings } from "../cascade/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
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

/** What these parts need. */
export interface OpenXchangeOptions {
  readonly settings: () => Settings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly fetch: typeof fetch;
  readonly log: Log;
  readonly metrics: Metrics;
}

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

/** Creates them; without an address of a middleware its sessions are refused. */
export function createOpenXchange(options: OpenXchangeOptions): OpenXchange {
  const { settings, clock, random, fetch, log, metrics } = options;
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
