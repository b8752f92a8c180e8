/** `/v1/groups`: named groups of users, as audiences of notifications. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import type { Groups } from "../subscriptions/mod.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { check, readBody, readQuery } from "./_input.ts";
import type { App, Env } from "./_openapi.ts";
import { context, groupName, page, text, user } from "./_schemas.ts";

const members = z.strictObject({ users: z.array(user).min(1).max(10_000) }).openapi("Members");
const ofContext = z.object({ context });
const paths = z.object({ context, group: groupName });
const userPage = z.object({ users: z.array(text("3")), next: text("3").optional() })
  .openapi("MemberPage");
const groupPage = z.object({ groups: z.array(text("sales")), next: z.string().optional() })
  .openapi("GroupPage");

/** The dependencies of {@link groupRoutes}. */
export interface GroupDeps {
  readonly authenticate: Authenticate;
  readonly groups: Groups;
}

/** Creates the routes of `/v1/groups`. */
export function groupRoutes({ authenticate, groups }: GroupDeps): App {
  const { app, route } = createGroup("Groups", authenticate);
  const common = {
    scope: "publish",
    errors: ["invalid_request", "store_unavailable"],
  } as const;
  const changing = { ...common, errors: [...common.errors, "conflict"] } as const;
  const path = "/{context}/{group}/members";

  route({
    ...{
      ...common,
      id: "listGroups",
      method: "get",
      path: "/{context}",
      params: ofContext,
      query: page,
    },
    summary: "List the groups of a context",
    answers: { 200: { text: "One page of groups", schema: groupPage } },
  }, async (c) => {
    const { limit, cursor: after } = readQuery(c, page);
    const { context: name } = nameOf(c, ofContext);
    return c.json(await groups.list(name, { after, limit }));
  });

  route({
    ...{ ...common, id: "listMembers", method: "get", path, params: paths, query: page },
    summary: "List the members of a group",
    answers: { 200: { text: "One page of users", schema: userPage } },
  }, async (c) => {
    const { limit, cursor: after } = readQuery(c, page);
    return c.json(await groups.members(nameOf(c, paths), { after, limit }));
  });

  route({
    ...{ ...changing, id: "addMembers", method: "post", path, params: paths, body: members },
    summary: "Add up to 10,000 users to a group, which begins to exist with its first member",
    answers: { 204: { text: "They are members" } },
  }, async (c) => {
    await groups.add(nameOf(c, paths), (await readBody(c, members)).users);
    return c.body(null, 204);
  });

  route({
    ...{ ...changing, id: "removeMembers", method: "delete", path, params: paths, body: members },
    summary: "Remove users from a group",
    answers: { 204: { text: "They are no members" } },
  }, async (c) => {
    await groups.remove(nameOf(c, paths), (await readBody(c, members)).users);
    return c.body(null, 204);
  });

  route({
    ...{
      ...common,
      id: "deleteGroup",
      method: "delete",
      path: "/{context}/{group}",
      params: paths,
    },
    summary: "Delete a group with all its members",
    answers: { 204: { text: "It does not exist" } },
  }, async (c) => {
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
