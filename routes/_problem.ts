/**
 * The one place that turns what was thrown into an answer: `application/problem+json` (RFC 9457)
 * with the error's stable `code`, and the original's number where it has one.
 */

import { HTTPException } from "hono/http-exception";
import { type ErrorCode, ERRORS, messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

/** What Hono throws by itself, as one of our own codes. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  404: "not_found",
  405: "method_not_allowed",
  413: "payload_too_large",
  415: "unsupported_media_type",
};

/** The answer to an error. */
export function problem(error: ServiceError): Response {
  const { code, status, message, faults, retryAfterSeconds } = error;
  const { title, pns } = ERRORS[code] as { title: string; pns?: string };
  const body = {
    type: `urn:carillon:error:${code}`,
    title,
    status,
    code,
    detail: message,
    ...(pns !== undefined && { pns }),
    ...(faults.length > 0 && { faults }),
  };
  const headers = new Headers({
    "content-type": "application/problem+json",
    "x-content-type-options": "nosniff",
  });
  if (retryAfterSeconds !== undefined) headers.set("retry-after", String(retryAfterSeconds));
  if (status === 401) headers.set("www-authenticate", "Bearer");
  return new Response(JSON.stringify(body), { status, headers });
}

/** Makes the answer to whatever was thrown; what was not thrown on purpose is logged and not told. */
export function onError(log: Log) {
  return (thrown: Error, path: string): Response => {
    if (thrown instanceof ServiceError) {
      // A full buffer is told to many at once; the metrics count it.
      if (thrown.status >= 500 && thrown.code !== "buffer_full" && thrown.code !== "draining") {
        log.warn("request failed", { code: thrown.code, reason: thrown.message });
      }
      return problem(thrown);
    }
    if (thrown instanceof HTTPException) {
      const code = CODE_OF_STATUS[thrown.status] ?? "invalid_request";
      return problem(new ServiceError(code, thrown.message));
    }
    log.error("request broke", {
      path,
      reason: messageOf(thrown),
      stack: thrown.stack,
    });
    return problem(new ServiceError("internal", "Cannot answer: something broke on our side"));
  };
}
