/**
 * The middleware of every API request: counts it, limits its body, refuses credentials in its query,
 * and answers requests that match no route.
 */

import { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { routePath } from "hono/route";
import { ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { BodyDeadline } from "../core/body_deadline.ts";
import { refuseInQuery } from "./_credential.ts";
import { throwBrokenOff } from "./_input.ts";
import type { App, Env } from "./_openapi.ts";
import { onError, problem } from "./_problem.ts";

/** The dependencies of {@link createChain}. */
export interface ChainDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly bodyDeadline: BodyDeadline;
}

/** A batch must fit in one commit of the store to be all or nothing. */
const MAX_BODY_BYTES = 760_000;

/** Other methods are counted as `other`, so that clients cannot create time series. */
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * The original's paths, with the ids of their operations. They are the only ones that accept a
 * user's session in the query.
 */
export const PNS_PATHS: Readonly<Record<string, string>> = {
  "/ajax/pns": "pns",
  "/appsuite/api/pns": "pnsOfAppSuite",
};

/** Whether the length of a body is known and within the limit. */
export function isShort({ headers }: Request): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_BODY_BYTES &&
    headers.get("transfer-encoding") === null;
}

/** Creates an app with this middleware and without routes. */
export function createChain({ log, metrics, bodyDeadline }: ChainDeps): App {
  const app = new OpenAPIHono<Env>();
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
  app.use(async function limit(c, next) {
    c.set("bodyDeadline", bodyDeadline);
    // A body of known length needs no counting, and is read faster untouched.
    if (!isShort(c.req.raw)) {
      const read = limited(c, () => Promise.resolve());
      await bodyDeadline.inTime(Promise.resolve(read)).catch(throwBrokenOff);
    }
    await next();
  });
  app.use(async function secure(c, next) {
    // Set before the response exists: Hono copies a response to add a header.
    c.header("x-content-type-options", "nosniff");
    await next();
  });
  app.use(function keepOutOfQuery(c, next) {
    // Also on paths that need no credential, so that callers learn that theirs leaks.
    if (!Object.hasOwn(PNS_PATHS, c.req.path)) refuseInQuery(c.req.raw.url);
    return next();
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
  app.notFound((c) => problem(new ServiceError("not_found", `Cannot find ${c.req.path}`)));
  const answerError = onError(log);
  app.onError((thrown, c) => answerError(thrown, c.req.path));
  return app;
}
