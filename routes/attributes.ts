/** `/v1/contexts/{context}/config` and `…/users/{user}/config`: attributes of contexts and users. */

import { z } from "@hono/zod-openapi";
import type { AttributeRecords, Attributes, ContextRecord, UserRecord } from "../cascade/mod.ts";
import type { Context } from "hono";
import { ServiceError } from "../core/errors.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { createGroup, type RouteGroup } from "./_group.ts";
import { check, readBody } from "./_input.ts";
import type { App, Env } from "./_openapi.ts";
import { context, text, user } from "./_schemas.ts";

const value = z.union([z.string(), z.number(), z.boolean()]);
const attributes = z.record(z.string(), value).openapi({
  example: { "com.openexchange.pns.transport.websocket.enabled": false },
});
const patch = z.record(z.string(), value.nullable()).openapi({
  example: {
    "com.openexchange.pns.transport.websocket.enabled": false,
    "com.openexchange.pns.transport.apn.ios.enabled": null,
  },
});
const tag = z.string().min(1).max(255).openapi({ example: "example.org" });
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
const contextBody = z.object({ name: text("example.org").optional(), attributes }).openapi(
  "ContextConfig",
);
const userBody = z.object({ permissions, attributes }).openapi("UserConfig");

/** The dependencies of {@link attributeRoutes}. */
export interface AttributeDeps {
  readonly authenticate: Authenticate;
  readonly attributes: Attributes;
}

/** Creates the routes below `/v1/contexts`. */
export function attributeRoutes({ authenticate, attributes }: AttributeDeps): App {
  const group = createGroup("Configuration", authenticate);
  recordRoutes(group, attributes.contexts, {
    ...{ path: "/{context}/config", owner: z.object({ context }), whose: "context" },
    ...{ input: contextInput, patch: contextPatch, body: contextBody },
  });
  recordRoutes(group, attributes.users, {
    ...{
      path: "/{context}/users/{user}/config",
      owner: z.object({ context, user }),
      whose: "user",
    },
    ...{ input: userInput, patch: userPatch, body: userBody },
  });
  return group.app;
}

interface RecordRoutes<Owner, Input, Patch> {
  readonly path: string;
  /** The parameters in the path. */
  readonly owner: z.ZodObject & z.ZodType<Owner>;
  readonly whose: "context" | "user";
  readonly input: z.ZodType<Input>;
  readonly patch: z.ZodType<Patch>;
  readonly body: z.ZodType;
}

function recordRoutes<
  Owner extends { readonly context: string },
  Stored extends ContextRecord | UserRecord,
  Input,
  Patch,
>(
  { route }: RouteGroup,
  records: AttributeRecords<Owner, Stored, Input, Patch>,
  { path, owner, whose, input, patch, body }: RecordRoutes<Owner, Input, Patch>,
): void {
  function ownerOf(c: Context<Env>): Owner {
    const named = check(owner, c.req.param());
    inContext(c.var.principal, { scope: "admin", context: named.context });
    return named;
  }
  const name = whose === "user" ? "UserConfig" : "ContextConfig";
  const common = { path, params: owner, scope: "admin" } as const;
  const answers = { 200: { text: "The attributes", schema: body } };

  route({
    ...{ ...common, answers, id: `get${name}`, method: "get" },
    summary: `Get the attributes of a ${whose}`,
    errors: ["invalid_request", "not_found"],
  }, async (c) => c.json(shown(await records.get(ownerOf(c)))));

  route({
    ...{ ...common, answers, id: `replace${name}`, method: "put" },
    summary: `Replace all attributes of a ${whose}`,
    body: input,
  }, async (c) => {
    const named = ownerOf(c);
    return c.json(shown(await records.replace(named, await readBody(c, input))));
  });

  route({
    ...{ ...common, answers, id: `patch${name}`, method: "patch" },
    summary: `Change attributes of a ${whose}`,
    body: patch,
    errors: ["conflict"],
  }, async (c) => {
    const named = ownerOf(c);
    return c.json(shown(await records.patch(named, await readBody(c, patch))));
  });

  route({
    ...{ ...common, id: `delete${name}`, method: "delete" },
    summary: `Delete all attributes of a ${whose}`,
    answers: { 204: { text: "Deleted, or there were none" } },
    errors: ["invalid_request"],
  }, async (c) => {
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
