/** `/v1/contexts/{context}/config` and `…/users/{user}/config`: attributes of contexts and users. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { AttributeRecords, Attributes, ContextRecord, UserRecord } from "../cascade/mod.ts";
import type { Context, MiddlewareHandler } from "hono";
import { ServiceError } from "../core/errors.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { check, readBody } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, user } from "./_schemas.ts";

const value = z.union([z.string(), z.number(), z.boolean()]);
const attributes = z.record(z.string(), value).openapi({
  example: { "com.openexchange.pns.transport.websocket.enabled": false },
});
const patch = z.record(z.string(), value.nullable());
const tag = z.string().min(1).max(255);
const permissions = z.array(z.string()).openapi({ example: ["ucWebMail", "ucCalendar"] });

const contextInput = z.strictObject({ name: tag.optional(), attributes: attributes.optional() });
const contextPatch = z.strictObject({ name: tag.nullish(), attributes: patch.optional() });
const userInput = z.strictObject({
  permissions: permissions.optional(),
  attributes: attributes.optional(),
});
const userPatch = z.strictObject({
  permissions: permissions.nullish(),
  attributes: patch.optional(),
});
const contextBody = z.object({ name: z.string().optional(), attributes }).openapi("ContextConfig");
const userBody = z.object({ permissions, attributes }).openapi("UserConfig");

/** The dependencies of {@link attributeRoutes}. */
export interface AttributeDeps {
  readonly authenticate: Authenticate;
  readonly attributes: Attributes;
}

/** Creates the routes below `/v1/contexts`. */
export function attributeRoutes({ authenticate, attributes }: AttributeDeps): App {
  const app = new OpenAPIHono<Env>();
  const admin = needs(authenticate, "admin");
  recordRoutes(app, attributes.contexts, {
    admin,
    path: "/:context/config",
    owner: z.object({ context }),
    whose: "a context",
    ...{ input: contextInput, patch: contextPatch, body: contextBody },
  });
  recordRoutes(app, attributes.users, {
    admin,
    path: "/:context/users/:user/config",
    owner: z.object({ context, user }),
    whose: "a user",
    ...{ input: userInput, patch: userPatch, body: userBody },
  });
  return app;
}

interface RecordRoutes<Owner, Input, Patch> {
  /** Requires the scope. */
  readonly admin: MiddlewareHandler<Env>;
  readonly path: string;
  /** The parameters in the path. */
  readonly owner: z.ZodObject & z.ZodType<Owner>;
  readonly whose: string;
  readonly input: z.ZodType<Input>;
  readonly patch: z.ZodType<Patch>;
  readonly body: z.ZodType;
}

function recordRoutes<Owner, Stored extends ContextRecord | UserRecord, Input, Patch>(
  app: App,
  records: AttributeRecords<Owner, Stored, Input, Patch>,
  { admin, path, owner, whose, input, patch, body }: RecordRoutes<Owner, Input, Patch>,
): void {
  const ownerOf = (c: Context) => check(owner, c.req.param());
  app.use(path, admin, (c, next) => {
    inContext(c.var.principal, { scope: "admin", context: c.req.param("context")! });
    return next();
  });
  const common = {
    path: path.replaceAll(/:(\w+)/g, "{$1}"),
    params: owner,
    tag: "Configuration",
    scope: "admin",
  } as const;
  const answers = { 200: { text: "The attributes", schema: body } };

  describe(app, {
    ...{ ...common, answers, method: "get", summary: `Get the attributes of ${whose}` },
    errors: ["invalid_request", "not_found"],
  });
  app.get(path, async (c) => c.json(shown(await records.get(ownerOf(c)))));

  describe(app, {
    ...{ ...common, answers, method: "put", summary: `Replace all attributes of ${whose}` },
    body: input,
  });
  app.put(path, async (c) => {
    const given = await readBody(c, input);
    return c.json(shown(await records.replace(ownerOf(c), given)));
  });

  describe(app, {
    ...{ ...common, answers, method: "patch", summary: `Change attributes of ${whose}` },
    body: patch,
    errors: ["conflict"],
  });
  app.patch(path, async (c) => {
    const given = await readBody(c, patch);
    return c.json(shown(await records.patch(ownerOf(c), given)));
  });

  describe(app, {
    ...{ ...common, method: "delete", summary: `Delete all attributes of ${whose}` },
    answers: { 204: { text: "Deleted, or there were none" } },
    errors: ["invalid_request"],
  });
  app.delete(path, async (c) => {
    await records.delete(ownerOf(c));
    return c.body(null, 204);
  });
}

/** @throws {ServiceError} `not_found` */
function shown(record: ContextRecord | UserRecord | undefined) {
  if (!record) throw new ServiceError("not_found", "Cannot find attributes: none are set");
  const { version: _, ...rest } = record;
  return rest;
}
