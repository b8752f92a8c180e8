/** `/v1/sessions`: issues and revokes the tokens with which users open sockets and subscribe. */

import { z } from "@hono/zod-openapi";
import type { Session, Sessions } from "../auth/mod.ts";
import { ServiceError } from "../core/errors.ts";
import { actingFor, type Authenticate } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readBody, readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { client, context, count, named, ofUser, text, time, user } from "./_schemas.ts";

/** 31 days, as for a JWT. */
const MAX_TTL_SECONDS = 2_678_400;

const mintBody = z.strictObject({
  context,
  user,
  client: client.optional(),
  ttl: z.int().min(1).max(MAX_TTL_SECONDS).optional()
    .openapi({ description: "Seconds; one day where absent", example: 86_400 }),
}).openapi("MintSession");

const sessionBody = z.object({
  id: text("9Jx3mVq0T2c"),
  context: named.context,
  user: named.user,
  client: z.string().optional(),
  createdAt: time,
  expires: time.openapi({ example: "2026-11-24T12:00:00.000Z" }),
}).openapi("Session");

/** The dependencies of {@link sessionRoutes}. */
export interface SessionDeps {
  readonly authenticate: Authenticate;
  readonly sessions: Sessions;
}

/** Creates the routes of `/v1/sessions`. */
export function sessionRoutes({ authenticate, sessions }: SessionDeps): App {
  const { app, route } = createGroup("Sessions", authenticate);

  route({
    ...{
      id: "mintSession",
      method: "post",
      path: "/",
      summary: "Issue a session token for a user",
    },
    scope: "subscribe",
    body: mintBody,
    answers: {
      201: {
        text: "The session and its token, which is shown once",
        schema: sessionBody.extend({ token: text("ses_9Jx3mVq0T2c_…") }),
      },
    },
  }, async (c) => {
    if (c.var.principal.user) {
      throw new ServiceError(
        "forbidden",
        "Cannot issue a session with a session: use an API key or a publisher's token",
      );
    }
    const { ttl, client, ...named } = await readBody(c, mintBody);
    const { session, token } = await sessions.create({
      ...actingFor(c.var.principal, named),
      ...(client !== undefined && { client }),
      ...(ttl !== undefined && { ttlMs: ttl * 1000 }),
    });
    return c.json({ ...present(session), token }, 201);
  });

  route({
    ...{ id: "listSessions", method: "get", path: "/", scope: "subscribe" },
    summary: "List the sessions of a user; JWTs are not listed",
    query: ofUser,
    answers: {
      200: { text: "All sessions of the user", schema: z.object({ items: z.array(sessionBody) }) },
    },
  }, async (c) => {
    const owner = actingFor(c.var.principal, readQuery(c, ofUser));
    const found = await sessions.list(owner.context, owner.user);
    return c.json({ items: found.map(present) });
  });

  route({
    ...{ id: "revokeSessions", method: "delete", path: "/", scope: "subscribe" },
    summary: "Revoke every session of a user; JWTs stay valid",
    query: ofUser,
    answers: {
      200: { text: "The number of revoked sessions", schema: z.object({ revoked: count(2) }) },
    },
  }, async (c) => {
    const owner = actingFor(c.var.principal, readQuery(c, ofUser));
    return c.json({ revoked: await sessions.revokeUser(owner.context, owner.user) });
  });

  route({
    ...{ id: "revokeSession", method: "delete", path: "/{id}", scope: "subscribe" },
    summary: "Revoke a session or a JWT by its session id; its sockets are closed",
    params: z.object({ id: z.string() }),
    answers: { 204: { text: "Revoked" } },
    errors: ["not_found"],
  }, async (c) => {
    const id = c.req.param("id")!;
    const session = await sessions.get(id);
    const { principal } = c.var;
    // The user of a JWT is unknown here, so only callers for all contexts may revoke one.
    const isForeign = session === undefined &&
      (principal.user ? principal.user.sessionId !== id : principal.contexts !== undefined);
    if (session) actingFor(principal, session);
    if (isForeign || !await sessions.revoke(id)) {
      throw new ServiceError("not_found", "Cannot find this session");
    }
    return c.body(null, 204);
  });

  return app;
}

function present({ createdAt, expiresAt, ...rest }: Session) {
  return {
    ...rest,
    createdAt: new Date(createdAt).toISOString(),
    expires: new Date(expiresAt).toISOString(),
  };
}
