/** `/v1/groups`: named groups of users, as audiences of notifications. */

import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Groups } from "../subscriptions/mod.ts";
import { type Authenticate, inContext, needs } from "./_authorize.ts";
import { check, readBody, readQuery } from "./_input.ts";
import { type App, describe, type Env } from "./_openapi.ts";
import { context, groupName, page, user } from "./_schemas.ts";

const members = z.strictObject({ users: z.array(user).min(1).max(10_000) }).openapi("Members");
const paths = z.object({ context, group: groupName });
const userPage = z.object({ users: z.array(z.string()), next: z.string().optional() })
  .openapi("MemberPage");
const groupPage = z.object({ groups: z.array(z.string()), next: z.string().optional() })
  .openapi("GroupPage");

/** The dependencies of {@link groupRoutes}. */
export interface GroupDeps {
  readonly authenticate: Authenticate;
  readonly groups: Groups;
}

/** Creates the routes of `/v1/groups`. */
export function groupRoutes({ authenticate, groups }: GroupDeps): App {
  const app = new OpenAPIHono<Env>();
  const common = {
    tag: "Groups",
    scope: "publish",
    errors: ["invalid_request", "store_unavailable"],
  } as const;
  const path = "/{context}/{group}/members";

  describe(app, {
    ...{ ...common, method: "get", path: "/{context}", params: z.object({ context }), query: page },
    summary: "List the groups of a context",
    answers: { 200: { text: "One page of groups", schema: groupPage } },
  });
  app.get("/:context", needs(authenticate, "publish"), async (c) => {
    const { limit, cursor: after } = readQuery(c, page);
    const { context: name } = nameOf(c, z.object({ context }));
    return c.json(await groups.list(name, { after, limit }));
  });

  describe(app, {
    ...{ ...common, method: "get", path, params: paths, query: page },
    summary: "List the members of a group",
    answers: { 200: { text: "One page of users", schema: userPage } },
  });
  app.get("/:context/:group/members", needs(authenticate, "publish"), async (c) => {
    const { limit, cursor: after } = readQuery(c, page);
    return c.json(await groups.members(nameOf(c, paths), { after, limit }));
  });

  describe(app, {
    ...{ ...common, method: "post", path, params: paths, body: members },
    summary: "Add up to 10,000 users to a group, which begins to exist with its first member",
    answers: { 204: { text: "They are members" } },
  });
  app.post("/:context/:group/members", needs(authenticate, "publish"), async (c) => {
    const name = nameOf(c, paths);
    await groups.add(name, (await readBody(c, members)).users);
    return c.body(null, 204);
  });

  describe(app, {
    ...{ ...common, method: "delete", path, params: paths, body: members },
    summary: "Remove users from a group",
    answers: { 204: { text: "They are no members" } },
  });
  app.delete("/:context/:group/members", needs(authenticate, "publish"), async (c) => {
    const name = nameOf(c, paths);
    await groups.remove(name, (await readBody(c, members)).users);
    return c.body(null, 204);
  });

  describe(app, {
    ...{ ...common, method: "delete", path: "/{context}/{group}", params: paths },
    summary: "Delete a group with all its members",
    answers: { 204: { text: "It does not exist" } },
  });
  app.delete("/:context/:group", needs(authenticate, "publish"), async (c) => {
    await groups.delete(nameOf(c, paths));
    return c.body(null, 204);
  });

  return app;
}

/**
 * Reads the names in the path, of a context that the caller may publish in.
 *
 * @throws {ServiceError} `invalid_request`, `forbidden`
 */
function nameOf<T extends { readonly context: string }>(c: Context<Env>, schema: z.ZodType<T>): T {
  const name = check(schema, c.req.param());
  inContext(c.var.principal, { scope: "publish", context: name.context });
  return name;
}
