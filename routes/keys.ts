/** `/v1/keys`: API keys of publishers and operators. A secret is returned once, at creation. */

import { z } from "@hono/zod-openapi";
import type { ApiKey, ApiKeys } from "../auth/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { allows, type Principal, SCOPES } from "../core/principal.ts";
import type { Authenticate } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readBody } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { context, text, time } from "./_schemas.ts";

const mintBody = z.strictObject({
  name: z.string().min(1).max(100).openapi({ example: "mail server" }),
  scopes: z.array(z.enum(SCOPES)).min(1),
  contexts: z.array(context).min(1).max(100).optional()
    .openapi({ description: "Absent for all contexts", example: ["1"] }),
  expires: z.iso.datetime().optional().openapi({ description: "Absent where it does not expire" }),
}).openapi("MintKey");

const keyBody = z.object({
  id: text("4bqLZ1x0"),
  name: text("mail server"),
  scopes: z.array(z.enum(SCOPES)),
  contexts: z.array(z.string()).optional().openapi({ example: ["1"] }),
  createdAt: time,
  expires: time.optional(),
}).openapi("ApiKey");

/** The dependencies of {@link keyRoutes}. */
export interface KeyDeps {
  readonly authenticate: Authenticate;
  readonly keys: ApiKeys;
}

/** Creates the routes of `/v1/keys`. */
export function keyRoutes({ authenticate, keys }: KeyDeps): App {
  const { app, route } = createGroup("API keys", authenticate);

  route({
    ...{ id: "mintKey", method: "post", path: "/", summary: "Create an API key", scope: "admin" },
    body: mintBody,
    answers: {
      201: {
        text: "The key and its secret, which is shown once",
        schema: keyBody.extend({ secret: text("car_4bqLZ1x0_…") }),
      },
    },
  }, async (c) => {
    const { expires, contexts, ...rest } = await readBody(c, mintBody);
    checkReach(c.var.principal, contexts);
    const { key, secret } = await keys.create({
      ...rest,
      ...(contexts !== undefined && { contexts }),
      ...(expires !== undefined && { expiresAt: Date.parse(expires) }),
    });
    return c.json({ ...present(key), secret }, 201);
  });

  route({
    ...{ id: "listKeys", method: "get", path: "/", summary: "List the API keys", scope: "admin" },
    answers: {
      200: {
        text: "All keys that the caller may see",
        schema: z.object({ items: z.array(keyBody) }),
      },
    },
  }, (c) => {
    const mine = keys.list().filter((key) => reaches(c.var.principal, key.contexts));
    return c.json({ items: mine.map(present) });
  });

  route({
    ...{
      id: "revokeKey",
      method: "delete",
      path: "/{id}",
      summary: "Revoke an API key",
      scope: "admin",
    },
    params: z.object({ id: z.string() }),
    answers: { 204: { text: "Revoked" } },
    errors: ["not_found"],
  }, async (c) => {
    const id = c.req.param("id")!;
    const key = keys.list().find((one) => one.id === id);
    if (!key || !reaches(c.var.principal, key.contexts) || !await keys.revoke(id)) {
      throw new ServiceError("not_found", "Cannot find this key");
    }
    return c.body(null, 204);
  });

  return app;
}

/** A caller must not create a key for more contexts than its own. */
function checkReach(principal: Principal, contexts: readonly string[] | undefined): void {
  if (reaches(principal, contexts)) return;
  throw new ServiceError("forbidden", "Cannot create a key for contexts beyond your own");
}

function reaches(principal: Principal, contexts: readonly string[] | undefined): boolean {
  if (contexts === undefined) return principal.contexts === undefined;
  return contexts.every((context) => allows(principal, "admin", context));
}

function present({ createdAt, expiresAt, ...rest }: ApiKey) {
  return {
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    ...(expiresAt !== undefined && { expires: new Date(expiresAt).toISOString() }),
  };
}
