/** Creates the HTTP APIs of the public and of the internal listener as Hono apps, without sockets. */

import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { pathOf } from "../core/path_filter.ts";
import { type AdminDeps, adminRoutes } from "./admin.ts";
import { type AttributeDeps, attributeRoutes } from "./attributes.ts";
import { type ConfigurationDeps, configurationRoutes } from "./configuration.ts";
import { type DeadLetterDeps, deadLetterRoutes } from "./dead_letters.ts";
import { type ChainDeps, createChain, isShort, PNS_PATHS } from "./_chain.ts";
import { docsRoutes } from "./docs.ts";
import { type EventDeps, eventRoutes } from "./events.ts";
import { type ExplainDeps, explainRoutes } from "./explain.ts";
import { type GroupDeps, groupRoutes } from "./groups.ts";
import { type HealthDeps, healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.ts";
import { type InboxDeps, inboxRoutes } from "./inbox.ts";
import { type KeyDeps, keyRoutes } from "./keys.ts";
import { type NotificationDeps, notificationRoutes } from "./notifications.ts";
import { createPublishHandler, type PublishDeps } from "./publish.ts";
import type { App } from "./_openapi.ts";
import { openApiDocument } from "./_openapi_document.ts";
import { type OpenXchangeDeps, openXchangeRoutes, WEBHOOK_PATHS } from "./open_xchange.ts";
import { onError } from "./_problem.ts";
import { type ReceiptDeps, receiptRoutes } from "./receipts.ts";
import { type PnsDeps, pnsRoutes } from "./pns.ts";
import { type SessionDeps, sessionRoutes } from "./sessions.ts";
import { type StatusDeps, statusRoutes } from "./status.ts";
import { type StreamDeps, streamRoutes } from "./streams.ts";
import { type SubscriptionDeps, subscriptionRoutes } from "./subscriptions.ts";
import { type WebPushRouteDeps, webPushRoutes } from "./web_push.ts";

export type { NodeFacts } from "./admin.ts";
export { isNodeReady, type ReadinessCheck } from "./health.ts";
export type { TestSendResult } from "./subscriptions.ts";

/** The dependencies of {@link createApp}. */
export type AppDeps =
  & AdminDeps
  & AttributeDeps
  & DeadLetterDeps
  & EventDeps
  & ExplainDeps
  & GroupDeps
  & HealthDeps
  & InboxDeps
  & KeyDeps
  & Omit<NotificationDeps, "publish">
  & OpenXchangeDeps
  & PnsDeps
  & PublishDeps
  & ReceiptDeps
  & SessionDeps
  & SubscriptionDeps
  & StatusDeps
  & StreamDeps
  & ConfigurationDeps
  & WebPushRouteDeps
  & {
    readonly log: Log;
    readonly metrics: Metrics;
    /** Whether the internal listener serves the operators' routes instead of this app. */
    readonly hasInternalListener: boolean;
  };

const PUBLISH_PATH = "/v1/notifications";

/** Creates the public API; returns its request handler. */
export function createApp(deps: AppDeps): (request: Request) => Response | Promise<Response> {
  const { log, metrics } = deps;
  const publish = createPublishHandler(deps);
  const app = createRoutes({ ...deps, publish });
  const answerError = onError(log);

  function count(publishes: number, status: number): void {
    const labels = { route: PUBLISH_PATH, method: "POST", status: String(status) };
    metrics.count("carillon_http_requests_total", labels, publishes);
  }

  /** Accepted publishes since the last scrape. */
  let accepted = 0;
  metrics.beforeScrape(() => {
    if (accepted > 0) count(accepted, 202);
    accepted = 0;
  });

  async function publishDirectly(request: Request): Promise<Response> {
    try {
      const response = await publish(request);
      accepted++;
      return response;
    } catch (thrown) {
      const response = answerError(thrown as Error, PUBLISH_PATH);
      count(1, response.status);
      return response;
    }
  }

  return (request) =>
    request.method === "POST" && pathOf(request.url) === PUBLISH_PATH && isShort(request)
      ? publishDirectly(request)
      : app.fetch(request);
}

/**
 * Creates the API of the internal listener: health with details, metrics and administration. Only
 * administration needs a credential, because only operators can reach the listener.
 */
export function createInternalApp(
  deps: AdminDeps & ChainDeps & HealthDeps,
): (request: Request) => Response | Promise<Response> {
  const app = createChain(deps);
  app.route("/v1/admin", adminRoutes(deps));
  app.route("/", healthRoutes(deps, { details: "open" }));
  app.route("/", homeRoutes({ ...deps, hasConsole: true }));
  return (request) => app.fetch(request);
}

function createRoutes(
  deps: Omit<AppDeps, "publish"> & ChainDeps & NotificationDeps,
): App {
  const app = createChain(deps);
  const { hasInternalListener } = deps;
  app.route("/v1/notifications", notificationRoutes(deps));
  app.route("/v1/events", eventRoutes(deps));
  app.route("/v1/groups", groupRoutes(deps));
  app.route("/v1/receipts", receiptRoutes(deps));
  app.route("/v1/subscriptions", subscriptionRoutes(deps));
  app.route("/v1", streamRoutes(deps));
  app.route("/v1/webpush", webPushRoutes(deps));
  app.route("/v1/sessions", sessionRoutes(deps));
  app.route("/v1/inbox", inboxRoutes(deps));
  app.route("/v1/keys", keyRoutes(deps));
  app.route("/v1/contexts", attributeRoutes(deps));
  app.route("/v1/explain", explainRoutes(deps));
  app.route("/v1/config", configurationRoutes(deps));
  app.route("/v1", statusRoutes(deps));
  app.route("/v1/dead-letters", deadLetterRoutes(deps));
  if (!hasInternalListener) app.route("/v1/admin", adminRoutes(deps));
  for (const [path, id] of Object.entries(WEBHOOK_PATHS)) {
    app.route(path, openXchangeRoutes(deps, id));
  }
  for (const [path, id] of Object.entries(PNS_PATHS)) app.route(path, pnsRoutes(deps, id));
  app.route("/", healthRoutes(deps, { details: hasInternalListener ? "none" : "read" }));
  app.route("/", homeRoutes({ ...deps, hasConsole: !hasInternalListener }));
  app.route("/", docsRoutes(() => openApiDocument(app)));
  return app;
}
