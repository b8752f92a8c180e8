/** The HTTP API as one Hono app. Sockets do not pass through here. */

import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { pathOf } from "../core/path_filter.ts";
import { VERSION } from "../core/version.ts";
import { type AdminDeps, adminRoutes } from "./admin.ts";
import { type AttributeDeps, attributeRoutes } from "./attributes.ts";
import { type DeadLetterDeps, deadLetterRoutes } from "./dead_letters.ts";
import { type ChainDeps, createChain, isShort, PNS_PATHS } from "./_chain.ts";
import { docsRoutes } from "./docs.ts";
import { type ExplainDeps, explainRoutes } from "./explain.ts";
import { type HealthDeps, healthRoutes } from "./health.ts";
import { homeRoutes } from "./home.ts";
import { type KeyDeps, keyRoutes } from "./keys.ts";
import { type NotificationDeps, notificationRoutes } from "./notifications.ts";
import { createPublishHandler, type PublishDeps } from "./publish.ts";
import type { App } from "./_openapi.ts";
import { onError } from "./_problem.ts";
import { type ReceiptDeps, receiptRoutes } from "./receipts.ts";
import { pnsRoutes } from "./pns.ts";
import { type SessionDeps, sessionRoutes } from "./sessions.ts";
import { type SubscriptionDeps, subscriptionRoutes } from "./subscriptions.ts";
import { type WebPushRouteDeps, webPushRoutes } from "./web_push.ts";

export type { Authenticate } from "./_authorize.ts";
export type { ReadinessCheck } from "./health.ts";
export { createInternalApp } from "./internal.ts";
export { problem } from "./_problem.ts";

/** What the whole API needs. */
export type AppDeps =
  & AdminDeps
  & AttributeDeps
  & DeadLetterDeps
  & ExplainDeps
  & HealthDeps
  & KeyDeps
  & Omit<NotificationDeps, "publish">
  & PublishDeps
  & ReceiptDeps
  & SessionDeps
  & SubscriptionDeps
  & WebPushRouteDeps
  & {
    readonly log: Log;
    readonly metrics: Metrics;
    /** Whether an internal listener serves what is for operators, so that this one does not. */
    readonly isOperatedInside: boolean;
  };

const PUBLISH_PATH = "/v1/notifications";

/** Puts the groups of routes together; returns what answers a request. */
export function createApp(deps: AppDeps): (request: Request) => Response | Promise<Response> {
  const { log, metrics } = deps;
  const publish = createPublishHandler(deps);
  const app = createRoutes({ ...deps, publish });
  const answerError = onError(log);

  function count(route: string, method: string, status: number): void {
    metrics.count("carillon_http_requests_total", { route, method, status: String(status) });
  }

  async function publishDirectly(request: Request): Promise<Response> {
    let response: Response;
    try {
      response = await publish(request);
    } catch (thrown) {
      response = answerError(thrown as Error, PUBLISH_PATH);
    }
    count(PUBLISH_PATH, "POST", response.status);
    return response;
  }

  return (request) =>
    request.method === "POST" && pathOf(request.url) === PUBLISH_PATH && isShort(request)
      ? publishDirectly(request)
      : app.fetch(request);
}

function createRoutes(
  deps: Omit<AppDeps, "publish"> & ChainDeps & NotificationDeps,
): App {
  const app = createChain(deps);
  const { isOperatedInside } = deps;
  app.route("/v1/notifications", notificationRoutes(deps));
  app.route("/v1/receipts", receiptRoutes(deps));
  app.route("/v1/subscriptions", subscriptionRoutes(deps));
  app.route("/v1/webpush", webPushRoutes(deps));
  app.route("/v1/sessions", sessionRoutes(deps));
  app.route("/v1/keys", keyRoutes(deps));
  app.route("/v1/contexts", attributeRoutes(deps));
  app.route("/v1/explain", explainRoutes(deps));
  app.route("/v1/dead-letters", deadLetterRoutes(deps));
  if (!isOperatedInside) app.route("/v1/admin", adminRoutes(deps));
  for (const path of PNS_PATHS) app.route(path, pnsRoutes(deps));
  app.route("/", healthRoutes(deps, { details: isOperatedInside ? "none" : "read" }));
  app.route("/", homeRoutes(deps));
  app.route("/", docsRoutes(() => openApiDocument(app)));
  return app;
}

function openApiDocument(app: App): unknown {
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "An API key, a JWT of the configured issuer, or a user's session token",
  });
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Carillon",
      version: VERSION,
      description: "Push notifications: one publish, and every bell its user owns rings.",
    },
  });
}
