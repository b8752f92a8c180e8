/** The HTTP API as one Hono app. Sockets do not pass through here. */

import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { routePath } from "hono/route";
import { ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import { pathOf } from "../core/path_filter.ts";
import { type AdminDeps, adminRoutes } from "./admin.ts";
import { type AttributeDeps, attributeRoutes } from "./attributes.ts";
import { type DeadLetterDeps, deadLetterRoutes } from "./dead_letters.ts";
import { docsRoutes } from "./docs.ts";
import { type ExplainDeps, explainRoutes } from "./explain.ts";
import { type HealthDeps, healthRoutes } from "./health.ts";
import { type KeyDeps, keyRoutes } from "./keys.ts";
import { type NotificationDeps, notificationRoutes } from "./notifications.ts";
import { createPublishHandler, type PublishDeps } from "./publish.ts";
import { throwBrokenOff } from "./_input.ts";
import type { App, Env } from "./_openapi.ts";
import { onError, problem } from "./_problem.ts";
import { pnsRoutes } from "./pns.ts";
import { type SessionDeps, sessionRoutes } from "./sessions.ts";
import { type SubscriptionDeps, subscriptionRoutes } from "./subscriptions.ts";
import { type WebPushDeps, webPushRoutes } from "./web_push.ts";

export type { Authenticate } from "./_authorize.ts";
export type { ReadinessCheck } from "./health.ts";
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
  & SessionDeps
  & SubscriptionDeps
  & WebPushDeps
  & { readonly log: Log; readonly metrics: Metrics };

/** A request must fit in one commit of the store, or it could not be all or nothing. */
const MAX_BODY_BYTES = 760_000;

/** What anybody else sends as a method must not become a time series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

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

/** Whether a body needs no counting, because its length is known and small enough. */
function isShort({ headers }: Request): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_BODY_BYTES && !headers.has("transfer-encoding");
}

function createRoutes(
  deps: Omit<AppDeps, "publish"> & NotificationDeps,
): App {
  const app = new OpenAPIHono<Env>();
  const { log, metrics } = deps;

  app.use(async function count(c, next) {
    await next();
    metrics.count("carillon_http_requests_total", {
      route: routePath(c, -1),
      method: METHODS.has(c.req.method) ? c.req.method : "other",
      status: String(c.res.status),
    });
  });
  const limited = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError() {
      const message = `Cannot accept more than ${MAX_BODY_BYTES} bytes at once: split the batch`;
      throw new ServiceError("payload_too_large", message);
    },
  });
  app.use(function limit(c, next) {
    // A body whose length is known needs no counting, and is read faster if nobody looked at it.
    if (isShort(c.req.raw)) return next();
    return limited(c, next).catch(throwBrokenOff);
  });
  app.use(async function secure(c, next) {
    // Before the answer is made: a header set on a finished one makes it anew.
    c.header("x-content-type-options", "nosniff");
    await next();
  });
  app.use(methodNotAllowed({
    app,
    onMethodNotAllowed(c, methods) {
      const message = `Cannot ${c.req.method} ${c.req.path}: use ${methods.join(" or ")}`;
      const answer = problem(new ServiceError("method_not_allowed", message));
      answer.headers.set("allow", methods.join(", "));
      return answer;
    },
  }));

  app.route("/v1/notifications", notificationRoutes(deps));
  app.route("/v1/subscriptions", subscriptionRoutes(deps));
  app.route("/v1/webpush", webPushRoutes(deps));
  app.route("/v1/sessions", sessionRoutes(deps));
  app.route("/v1/keys", keyRoutes(deps));
  app.route("/v1/contexts", attributeRoutes(deps));
  app.route("/v1/explain", explainRoutes(deps));
  app.route("/v1/dead-letters", deadLetterRoutes(deps));
  app.route("/v1/admin", adminRoutes(deps));
  app.route("/ajax/pns", pnsRoutes(deps));
  app.route("/appsuite/api/pns", pnsRoutes(deps));
  app.route("/", healthRoutes(deps));
  app.route("/", docsRoutes(() => openApiDocument(app)));

  app.notFound((c) => problem(new ServiceError("not_found", `Cannot find ${c.req.path}`)));
  const answerError = onError(log);
  app.onError((thrown, c) => answerError(thrown, c.req.path));
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
      version: "1",
      description: "Push notifications: one publish, and every bell its user owns rings.",
    },
  });
}
