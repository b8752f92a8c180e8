/** `/v1/contexts/{context}/config` and `…/users/{user}/config`: attributes of contexts and users. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Attributes, ContextRecord, UserRecord } from "../cascade/mod.ts";
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

  const ofContext = "/:context/config";
  describeRecord(app, {
    path: "/{context}/config",
    params: z.object({ context }),
    whose: "a context",
    ...{ input: contextInput, patch: contextPatch, body: contextBody },
  });
  app.use(ofContext, admin, (c, next) => {
    inContext(c.var.principal, { scope: "admin", context: c.req.param("context")! });
    return next();
  });
  app.get(ofContext, async (c) => c.json(shown(await attributes.context(contextOf(c)))));
  app.put(ofContext, async (c) => {
    const input = await readBody(c, contextInput);
    return c.json(shown(await attributes.replaceContext(contextOf(c), input)));
  });
  app.patch(ofContext, async (c) => {
    const input = await readBody(c, contextPatch);
    return c.json(shown(await attributes.patchContext(contextOf(c), input)));
  });
  app.delete(ofContext, async (c) => {
    await attributes.deleteContext(contextOf(c));
    return c.body(null, 204);
  });

  const ofUser = "/:context/users/:user/config";
  describeRecord(app, {
    path: "/{context}/users/{user}/config",
    params: z.object({ context, user }),
    whose: "a user",
    ...{ input: userInput, patch: userPatch, body: userBody },
  });
  app.use(ofUser, admin, (c, next) => {
    inContext(c.var.principal, { scope: "admin", context: c.req.param("context")! });
    return next();
  });
  app.get(ofUser, async (c) => {
    const { context, user } = userOf(c);
    return c.json(shown(await attributes.user(context, user)));
  });
  app.put(ofUser, async (c) => {
    const input = await readBody(c, userInput);
    return c.json(shown(await attributes.replaceUser(userOf(c), input)));
  });
  app.patch(ofUser, async (c) => {
    const input = await readBody(c, userPatch);
    return c.json(shown(await attributes.patchUser(userOf(c), input)));
  });
  app.delete(ofUser, async (c) => {
    const { context, user } = userOf(c);
    await attributes.deleteUser(context, user);
    return c.body(null, 204);
  });

  return app;
}

interface WithParams {
  readonly req: { param(name: string): string | undefined };
}

function contextOf(c: WithParams): string {
  return check(context, c.req.param("context"));
}

function userOf(c: WithParams) {
  return { context: contextOf(c), user: check(user, c.req.param("user")) };
}

/** @throws {ServiceError} `not_found` */
function shown(record: ContextRecord | UserRecord | undefined) {
  if (!record) throw new ServiceError("not_found", "Cannot find attributes: none are set");
  const { version: _, ...rest } = record;
  return rest;
}

function describeRecord(
  app: App,
  { path, params, whose, input, patch, body }: {
    readonly path: string;
    readonly params: z.ZodObject;
    readonly whose: string;
    readonly input: z.ZodType;
    readonly patch: z.ZodType;
    readonly body: z.ZodType;
  },
): void {
  const common = { path, params, tag: "Configuration", scope: "admin" } as const;
  const answers = { 200: { text: "The attributes", schema: body } };
  describe(app, {
    ...{ ...common, answers, method: "get", summary: `Get the attributes of ${whose}` },
    errors: ["invalid_request", "not_found"],
  });
  describe(app, {
    ...{ ...common, answers, method: "put", summary: `Replace all attributes of ${whose}` },
    body: input,
  });
  describe(app, {
    ...{ ...common, answers, method: "patch", summary: `Change attributes of ${whose}` },
    body: patch,
    errors: ["conflict"],
  });
  describe(app, {
    ...{ ...common, method: "delete", summary: `Delete all attributes of ${whose}` },
    answers: { 204: { text: "Deleted, or there were none" } },
    errors: ["invalid_request"],
  });
}
