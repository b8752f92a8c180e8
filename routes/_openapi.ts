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

interface Answer {
  readonly text: string;
  readonly schema?: z.ZodType;
  readonly type?: string;
  /** Absent where the one of the schema suffices. */
  readonly example?: unknown;
}

/** A route as the OpenAPI document shows it. */
export interface Description {
  /** The operation's id, by which generators name the functions of their clients. */
  readonly id: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly path: string;
  readonly tag: string;
  readonly summary: string;
  /** The scope that a caller needs, or several of which it needs one; absent where none is needed. */
  readonly scope?: Scope | readonly Scope[];
  /** Name of a security scheme of its own, in the place of a scope. */
  readonly security?: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Examples of bodies by name; absent where the one of the schema suffices. */
  readonly bodies?: Readonly<Record<string, unknown>>;
  /** Status → its meaning and the schema of its body. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Errors besides those that every route may return. */
  readonly errors?: readonly ErrorCode[];
}

/** Adds a route to the OpenAPI document. */
export function describe(app: App, description: Description): void {
  const { id, method, path, tag, summary, security, params, query, headers, body } = description;
  const scopes = [description.scope ?? []].flat();
  // Every path refuses a credential in its query, even if it needs none.
  const common: ErrorCode[] = scopes.length > 0
    ? ["unauthenticated", "forbidden"]
    : ["unauthenticated"];
  if (body || query) common.push("invalid_request");
  if (body) common.push("request_timeout", "payload_too_large", "unsupported_media_type");
  const schemes = security ?? (scopes.length > 0 ? "bearer" : undefined);
  app.openAPIRegistry.registerPath({
    operationId: id,
    ...{ method, path, tags: [tag], summary },
    ...(scopes.length > 0 && { description: `Needs scope \`${scopes.join("` or `")}\`.` }),
    // Without a list of credentials an operation would inherit that of the whole document.
    security: schemes === undefined ? [] : [{ [schemes]: [] }],
    request: {
      ...(params && { params }),
      ...(query && { query }),
      ...(headers && { headers }),
      ...(body && { body: requestBody(body, description.bodies) }),
    },
    responses: {
      ...answers(description.answers),
      ...problems([...common, ...description.errors ?? []]),
    },
  });
}

function requestBody(schema: z.ZodType, bodies: Description["bodies"]) {
  const examples = bodies && Object.fromEntries(
    Object.entries(bodies).map(([name, value]) => [name, { value }]),
  );
  return {
    required: true,
    content: { "application/json": { schema, ...(examples && { examples }) } },
  };
}

function answers(given: Description["answers"]): RouteConfig["responses"] {
  return Object.fromEntries(
    Object.entries(given).map(([status, { text, schema, type = "application/json", example }]) => [
      status,
      { description: text, ...(schema && { content: { [type]: { schema, example } } }) },
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
