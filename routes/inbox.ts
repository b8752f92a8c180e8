/** `/v1/inbox`: the newest notifications of a user, and what was read of them. */

import { z } from "@hono/zod-openapi";
import type { Snapshot } from "../cascade/mod.ts";
import type { Inbox, InboxChange, InboxItem } from "../inbox/mod.ts";
import { actingFor, type Authenticate } from "./_authorize.ts";
import { createGroup } from "./_group.ts";
import { readBody, readQuery } from "./_input.ts";
import type { App } from "./_openapi.ts";
import { readableByAllowedPages } from "./_page_origins.ts";
import { context, count, EXAMPLE_ID, named, text, time, user } from "./_schemas.ts";

const MAX_PAGE = 100;

const owner = z.object({ context: context.optional(), user: user.optional() });

const listQuery = owner.extend({
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(20),
  before: z.uuid().optional().openapi({ description: "`next` of the page before this one" }),
  unread: z.enum(["true", "false"]).optional().openapi({ description: "`true`: only unread ones" }),
}).strict();

const markBody = z.strictObject({
  ...owner.shape,
  ids: z.array(z.uuid()).min(1).max(1000).optional()
    .openapi({ description: "These. Absent, with `upTo` absent too: all of them" }),
  upTo: z.uuid().optional().openapi({ description: "This one and all older ones" }),
  read: z.boolean().default(true).openapi({ description: "`false`: mark as unread" }),
}).openapi("MarkInbox");

const itemBody = z.object({
  id: z.uuid(),
  topic: named.topic,
  data: z.record(z.string(), z.unknown()).optional().openapi({
    description: "Absent where the data were too large to be kept",
    example: { folder: "default0/INBOX", id: "113", subject: "Let us meet" },
  }),
  at: time,
  read: z.boolean().openapi({ example: false }),
}).openapi("InboxItem");

const inboxBody = z.object({
  items: z.array(itemBody),
  unread: count(3, "In the whole inbox"),
  next: text(EXAMPLE_ID).optional(),
}).openapi("Inbox");

/** What these routes need. */
export interface InboxDeps {
  readonly authenticate: Authenticate;
  readonly inbox: Pick<Inbox, "list" | "mark">;
  /** Tells the user's open connections what a change made of the inbox. */
  readonly onInboxChanged: (change: InboxChange) => Promise<void>;
  readonly snapshot: () => Pick<Snapshot, "settings">;
}

/** Returns the routes under `/v1/inbox`. */
export function inboxRoutes({ authenticate, inbox, onInboxChanged, snapshot }: InboxDeps): App {
  const { app, route } = createGroup("Inbox", authenticate);

  // A page calls this with its user's session, so the origins of sockets hold here too.
  app.use(readableByAllowedPages(snapshot));

  route({
    ...{ id: "getInbox", method: "get", path: "/", summary: "The newest notifications of a user" },
    scope: ["subscribe", "read"],
    query: listQuery,
    answers: { 200: { text: "A page, newest first", schema: inboxBody } },
    errors: ["store_unavailable"],
  }, async (c) => {
    const { limit, before, unread, ...named } = readQuery(c, listQuery);
    const page = await inbox.list(actingFor(c.var.principal, named), {
      limit,
      unreadOnly: unread === "true",
      ...(before !== undefined && { before }),
    });
    return c.json({ ...page, items: page.items.map(present) });
  });

  route({
    ...{
      id: "markInbox",
      method: "post",
      path: "/read",
      summary: "Mark notifications as read or unread",
    },
    scope: "subscribe",
    body: markBody,
    bodies: { some: { ids: [EXAMPLE_ID] }, all: {}, upToOne: { upTo: EXAMPLE_ID } },
    answers: {
      200: { text: "How many are unread now", schema: z.object({ unread: count(2) }) },
    },
    errors: ["conflict", "store_unavailable"],
  }, async (c) => {
    const { ids, upTo, read, ...named } = await readBody(c, markBody);
    const change = await inbox.mark(actingFor(c.var.principal, named), {
      read,
      ...(ids !== undefined && { ids }),
      ...(upTo !== undefined && { upTo }),
    });
    if (change.changed) await onInboxChanged(change);
    return c.json({ unread: change.unread });
  });

  return app;
}

function present({ at, data, ...rest }: InboxItem) {
  return {
    ...rest,
    ...(data !== undefined && { data: JSON.parse(data) }),
    at: new Date(at).toISOString(),
  };
}
