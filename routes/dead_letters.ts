/** `/v1/dead-letters`: lists and replays dead letters. Tokens are never shown. */

import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { ServiceError } from "../core/errors.ts";
import type { StoreEntry } from "../core/store.ts";
import { allows } from "../core/principal.ts";
import type { DeadLetter, DeadLetterFilter, Pipeline } from "../delivery/mod.ts";
import { type Authenticate, inContext } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readBody, readQuery } from "./_input.ts";
import type { App, Env } from "./_openapi.ts";
import { client, context, count, named, page, pageOf, text, time, transport } from "./_schemas.ts";

const filter = z.object({ context, client, transport }).partial();

const letterBody = z.object({
  id: z.uuid(),
  notification: z.uuid(),
  ...named,
  subscription: z.string().optional(),
  reason: text("ServiceUnavailable"),
  attempts: count(12),
  at: time,
}).openapi("DeadLetter");

/** The dependencies of {@link deadLetterRoutes}. */
export interface DeadLetterDeps {
  readonly authenticate: Authenticate;
  readonly letters: Pick<Pipeline["letters"], "get" | "list">;
  readonly replay: Pipeline["replay"];
}

/** The most dead letters that one request replays. */
const MAX_REPLAY = 1000;

/** Creates the routes of `/v1/dead-letters`. */
export function deadLetterRoutes({ authenticate, letters, replay }: DeadLetterDeps): App {
  const { app, route } = createGroup("Dead letters", authenticate);

  route({
    id: "listDeadLetters",
    method: "get",
    path: "/",
    summary: "List dead letters, oldest first",
    scope: "admin",
    query: filter.extend(page.shape),
    answers: {
      200: { text: "A page of dead letters", schema: pageOf(letterBody) },
    },
    errors: ["unknown_transport"],
  }, async (c) => {
    const { limit, cursor, ...wanted } = readQuery(c, filter.extend(page.shape).strict());
    const { letters: found, next } = await letters.list(wanted as DeadLetterFilter, {
      limit,
      ...(cursor !== undefined && { after: cursor }),
    });
    return c.json({ items: found.filter(maySee(c)).map(present), next });
  });

  route({
    id: "replayDeadLetter",
    method: "post",
    path: "/{id}/replay",
    summary: "Replay a dead letter",
    scope: "admin",
    params: z.object({ id: z.uuid() }),
    answers: {
      202: {
        text: "1 if it is replayed; 0 if another request replayed it",
        schema: z.object({ replayed: count(1) }),
      },
    },
    errors: ["not_found"],
  }, async (c) => {
    const letter = await letters.get(c.req.param("id")!);
    if (!letter) throw new ServiceError("not_found", "Cannot find this dead letter");
    inContext(c.var.principal, { scope: "admin", context: letter.value.notification.context });
    return c.json({ replayed: await replay(letter) ? 1 : 0 }, 202);
  });

  route({
    id: "replayDeadLetters",
    method: "post",
    path: "/replay",
    summary: `Replay all dead letters that match, up to ${MAX_REPLAY} in one request`,
    scope: "admin",
    body: filter,
    answers: {
      202: {
        text: "The number of replayed dead letters, and whether there are more",
        schema: z.object({ replayed: count(214), more: z.boolean().openapi({ example: false }) }),
      },
    },
    errors: ["unknown_transport"],
  }, async (c) => {
    const wanted = await readBody(c, filter.strict()) as DeadLetterFilter;
    let replayed = 0;
    let next: string | undefined;
    // A page without one that matches, or may be seen, must not hide those behind it.
    do {
      const options = { limit: MAX_REPLAY, ...(next !== undefined && { after: next }) };
      const page = await letters.list(wanted, options);
      for (const { id } of page.letters.filter(maySee(c))) {
        const letter: StoreEntry<DeadLetter> | undefined = await letters.get(id);
        if (letter && await replay(letter)) replayed++;
      }
      next = page.next;
    } while (replayed === 0 && next !== undefined);
    return c.json({ replayed, more: next !== undefined }, 202);
  });

  return app;
}

/** Returns whether the caller of a request may see a dead letter. */
function maySee({ var: { principal } }: Context<Env>): (letter: DeadLetter) => boolean {
  return ({ notification }) => allows(principal, "admin", notification.context);
}

function present({ id, notification, target, reason, attempts, at }: DeadLetter) {
  return {
    id,
    notification: notification.id,
    context: notification.context,
    user: notification.user,
    topic: notification.topic,
    client: target.client,
    transport: target.transport,
    subscription: target.subscriptionId,
    reason,
    attempts,
    at: new Date(at).toISOString(),
  };
}
