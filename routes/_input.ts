/** Reads and validates the bodies and queries of requests; reports all faults with their paths. */

import type { Context } from "hono";
import type { z } from "zod";
import { type ErrorCode, type Fault, ServiceError } from "../core/errors.ts";
import type { BodyDeadline } from "../core/body_deadline.ts";
import type { Env } from "./_openapi.ts";

/** The most faults in one response. */
const MAX_FAULTS = 50;

/**
 * Reads and validates the JSON body.
 *
 * @throws {ServiceError} `unsupported_media_type`, `request_timeout`, `invalid_request`, or the code
 * that all faults have
 */
export async function readBody<T>(c: Context<Env>, schema: z.ZodType<T>): Promise<T> {
  return check(schema, await readJson(c));
}

/** Reads the JSON body without validation. */
async function readJson(c: Context<Env>): Promise<unknown> {
  if (!isJsonType(c.req.header("content-type") ?? null)) {
    throw new ServiceError("unsupported_media_type", "Cannot read the body: it must be JSON");
  }
  return parseJson((await readUtf8(c.req.raw, c.var.bodyDeadline)).text);
}

/** Whether a content type is JSON. */
export function isJsonType(type: string | null): boolean {
  if (type === "application/json") return true;
  return type !== null && /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type);
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a body as bytes and as text.
 *
 * @throws {ServiceError} `invalid_request` where it is not UTF-8 (RFC 8259 §8.1) or the sender
 * disconnected, `request_timeout`
 */
export async function readUtf8(
  request: Request,
  deadline: BodyDeadline,
): Promise<{ readonly text: string; readonly bytes: Uint8Array }> {
  let bytes: Uint8Array;
  try {
    bytes = await deadline.inTime(request.bytes());
  } catch (cause) {
    throwBrokenOff(cause);
  }
  try {
    return { text: utf8.decode(bytes), bytes };
  } catch (cause) {
    throw new ServiceError("invalid_request", "Cannot read the body: it is not UTF-8", { cause });
  }
}

/**
 * Parses a body.
 *
 * @throws {ServiceError} `invalid_request`
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const where = cause instanceof SyntaxError ? cause.message : "it is malformed";
    throw new ServiceError("invalid_request", `Cannot read the body as JSON: ${where}`, { cause });
  }
}

/**
 * Throws the error of reading a body. A sender that disconnected is not a failure of this service:
 * then it throws `ServiceError` `invalid_request`, and no client receives the response.
 */
export function throwBrokenOff(cause: unknown): never {
  const { BadResource, Http, ConnectionReset } = Deno.errors;
  if (![BadResource, Http, ConnectionReset].some((kind) => cause instanceof kind)) throw cause;
  throw new ServiceError("invalid_request", "Cannot read the body: the sender disconnected", {
    cause,
  });
}

/** Validates the query parameters; of repeated ones only the first is read. */
export function readQuery<T>(c: Context, schema: z.ZodType<T>): T {
  return check(schema, c.req.query());
}

/**
 * Validates a value.
 *
 * @throws {ServiceError} `invalid_request`, or the code that all faults have
 */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const faults = issues.slice(0, MAX_FAULTS).map(toFault);
  const codes = new Set(faults.map((fault) => fault.code ?? "invalid_request"));
  const code = codes.size === 1 ? [...codes][0]! : "invalid_request";
  const [first] = faults;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  const detail = `Cannot accept ${first!.path || "the request"}: ${first!.message}${more}`;
  throw new ServiceError(code, detail, { faults });
}

function toFault(issue: z.core.$ZodIssue): Fault {
  const code = issue.code === "custom"
    ? issue.params?.["code"] as ErrorCode | undefined
    : undefined;
  return {
    path: pathText(issue.path),
    message: issue.message,
    ...(code !== undefined && { code }),
  };
}

/** Formats a path such as `notifications[3].topic`. */
function pathText(path: readonly PropertyKey[]): string {
  return path.map((part, index) =>
    typeof part === "number" ? `[${part}]` : index === 0 ? String(part) : `.${String(part)}`
  ).join("");
}
