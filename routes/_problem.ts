/**
 * Turns errors into responses: `application/problem+json` (RFC 9457) with the error's stable `code`,
 * and the original's number where it has one.
 */

import { HTTPException } from "hono/http-exception";
import { type ErrorCode, ERRORS, messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

/** The codes of errors that Hono throws. */
const CODE_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "invalid_request",
  404: "not_found",
  405: "method_not_allowed",
  413: "payload_too_large",
  415: "unsupported_media_type",
};

/** Creates the response for an error. */
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

/** Returns the error handler. It logs unexpected errors and does not disclose them. */
export function onError(log: Log) {
  return (thrown: Error, path: string): Response => {
    if (thrown instanceof ServiceError) {
      // Many requests fail at once while the buffer is full; metrics count them.
      if (thrown.status >= 500 && thrown.code !== "buffer_full" && thrown.code !== "draining") {
        log.warn("request failed", { code: thrown.code, reason: thrown.message });
      }
      return problem(thrown);
    }
    if (thrown instanceof HTTPException) {
      const code = CODE_OF_STATUS[thrown.status] ?? "invalid_request";
      return problem(new ServiceError(code, thrown.message));
    }
    log.error("request failed unexpectedly", {
      path,
      reason: messageOf(thrown),
      stack: thrown.stack,
    });
    return problem(new ServiceError("internal", "Cannot answer: the service failed unexpectedly"));
  };
}
