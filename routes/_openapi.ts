/** Describes routes for OpenAPI, from the schemas that validate their requests. */

import type { OpenAPIHono, RouteConfig } from "@hono/zod-openapi";
import type { z } from "zod";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { Principal, Scope } from "../core/principal.ts";
import type { BodyDeadline } from "../core/body_deadline.ts";
import { problemBody } from "./_schemas.ts";

/** The variables in the context of every handler. */
export interface Env {
  readonly Variables: { principal: Principal; bodyDeadline: BodyDeadline };
}

/** A group of routes. */
export type App = OpenAPIHono<Env>;

interface Description {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** The scope that a caller needs; absent where none is needed. */
  readonly scope?: Scope;
  /** Name of a security scheme of its own, in the place of a scope. */
  readonly security?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Status → its meaning and the schema of its body. */
  readonly answers: Readonly<Record<number, { text: string; schema?: z.ZodType; type?: string }>>;
  /** Errors besides those that every route may return. */
  readonly errors?: readonly ErrorCode[];
}

/** Adds a route to the OpenAPI document. */
export function describe(app: App, description: Description): void {
  const { method, path, tag, summary, scope, security, params, query, headers, body } = description;
  // Every path refuses a credential in its query, even if it needs none.
  const common: ErrorCode[] = scope ? ["unauthenticated", "forbidden"] : ["unauthenticated"];
  if (body || query) common.push("invalid_request");
  if (body) {
    common.push(
      "request_timeout",
      "payload_too_large",
      "unsupported_media_type",
    );
  }
  const route: RouteConfig = {
    method,
    path,
    tags: [tag],
    summary,
    ...(scope && {
      description: `Needs scope \`${scope}\`.`,
      security: [{ bearer: [] }],
    }),
    ...(security !== undefined && { security: [{ [security]: [] }] }),
    request: {
      ...(params && { params }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && { body: { required: true, content: { "application/json": { schema: body } } } }),
    },
    responses: {
      ...answers(description.answers),
      ...problems([...common, ...description.errors ?? []]),
    },
  };
  app.openAPIRegistry.registerPath(route);
}

function answers(given: Description["answers"]): RouteConfig["responses"] {
  return Object.fromEntries(
    Object.entries(given).map(([status, { text, schema, type = "application/json" }]) => [
      status,
      { description: text, ...(schema && { content: { [type]: { schema } } }) },
    ]),
  );
}

function problems(codes: readonly ErrorCode[]): RouteConfig["responses"] {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...byStatus.get(status) ?? [], code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, together]) => [status, {
      description: together.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join("; "),
      content: {
        "application/problem+json": {
          schema: problemBody,
          examples: Object.fromEntries(together.map((code) => [code, { value: exampleOf(code) }])),
        },
      },
    }]),
  );
}

/** A problem as `_problem.ts` answers it. */
function exampleOf(code: ErrorCode): z.infer<typeof problemBody> {
  const { status, title, ...others }: { status: number; title: string; pns?: string } =
    ERRORS[code];
  return { type: `urn:carillon:error:${code}`, title, status, code, detail: title, ...others };
}
