/** The pages that only show something. Each asks the API and renders its answer. */

import { Hono } from "hono";
import { allows } from "../core/principal.ts";
import type { ConsoleContext, ConsoleEnv } from "./_guard.ts";
import { NotificationPage, NotificationsPage, type UserItems } from "./_notification_pages.tsx";
import { NowPage } from "./_now_page.tsx";
import { ConfigurationPage, CredentialsPage, DeadLettersPage } from "./_operation_pages.tsx";
import type { PageQuery } from "./_layout.tsx";
import { type ActionResult, renderPage } from "./_render.tsx";
import { TryPage } from "./_try_page.tsx";
import { UserDetailsPage } from "./_user_page.tsx";
import { WhyPage } from "./_why_page.tsx";
import type { LiveFeed } from "./live.ts";
import type { ConsoleSession } from "./sessions.ts";

/** What the pages need besides the API. */
export interface PageDeps {
  readonly live: LiveFeed;
  /** The clients that may open sockets, with their paths. */
  readonly socketClients: () => readonly { readonly client: string; readonly path: string }[];
}

const PAGE_SIZE = "50";

/** Whether a session may see what covers all contexts. */
export function seesAll({ principal }: ConsoleSession): boolean {
  return allows(principal, "read") && principal.contexts === undefined;
}

/** Creates the routes of the pages. */
export function pageRoutes({ live, socketClients }: PageDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();

  app.get("/", async (c) => {
    const state = seesAll(c.var.session) ? await live.once() : undefined;
    return renderPage(c, <NowPage state={state} />);
  });

  app.get("/notifications", async (c) => {
    const query = filled(c);
    const answer = await c.var.api("GET", `/v1/notifications?${asked(query)}`);
    return renderPage(c, <NotificationsPage answer={answer} query={query} />);
  });

  app.get("/notifications/:id", async (c) => {
    return await showNotification(c, c.req.param("id"), { users: c.req.query("users") });
  });

  app.get("/why", async (c) => {
    const query = filled(c);
    const isAsked = query["id"] !== undefined || query["topic"] !== undefined;
    const answer = isAsked
      ? await c.var.api("GET", `/v1/explain?${new URLSearchParams(query)}`)
      : undefined;
    return renderPage(c, <WhyPage query={query} answer={answer} />);
  });

  app.get("/users", async (c) => await showUser(c, filled(c)));

  app.get("/dead-letters", async (c) => await showDeadLetters(c, filled(c)));

  app.get("/credentials", async (c) => await showCredentials(c));

  app.get("/configuration", async (c) => await showConfiguration(c, filled(c)));

  app.get("/try", (c) => {
    const clients = socketClients().map(({ client }) => client);
    return renderPage(c, <TryPage clients={clients} />);
  });

  return app;
}

/** Shows one notification, below the result of an action. */
export async function showNotification(
  c: ConsoleContext,
  id: string,
  { users = "", result }: {
    readonly users?: string | undefined;
    readonly result?: ActionResult;
  } = {},
) {
  const { api } = c.var;
  const path = `/v1/notifications/${encodeURIComponent(id)}`;
  const answer = await api("GET", path);
  const { state, users: isToMany } = answer.ok ? answer.body : {};
  const mayHaveMerged = ["delivered", "suppressed", "dead", "expired"].includes(state) && !isToMany;
  const [page = 0, from = 0] = users.split(".").map(Number);
  const [merged, ofUsers] = await Promise.all([
    mayHaveMerged ? api("GET", `${path}/merged`) : undefined,
    isToMany ? api("GET", `${path}/users?cursor=${page}`) : undefined,
  ]);
  return renderPage(
    c,
    <NotificationPage
      answer={answer}
      users={ofUsers?.ok ? usersFrom(ofUsers.body, { page, from, ...answer.body }) : undefined}
      merged={merged?.ok ? merged : undefined}
    />,
    result,
  );
}

/** Returns a part of a page of the API, which has up to a thousand users. */
function usersFrom(
  { items, next }: { readonly items: UserItems["items"]; readonly next?: number },
  { page, from, state, users: { count } }: {
    readonly page: number;
    readonly from: number;
    readonly state: string;
    readonly users: { readonly count: number };
  },
): UserItems {
  const to = from + Number(PAGE_SIZE);
  // The API finds out that a page was the last one by reading the next.
  const isLast = next === undefined || items.length === 0 ||
    (page === 0 && items.length >= count && state !== "in_flight");
  const following = to < items.length ? `${page}.${to}` : isLast ? undefined : `${next}`;
  return { items: items.slice(from, to), next: following };
}

/** Shows what a user has, below the result of an action. */
export async function showUser(c: ConsoleContext, query: PageQuery, result?: ActionResult) {
  const { context, user, cursor } = query;
  const answers = context === undefined || user === undefined
    ? undefined
    : await answersAbout(c.var.api, { context, user, cursor });
  return renderPage(c, <UserDetailsPage query={query} answers={answers} />, result);
}

async function answersAbout(
  api: ConsoleContext["var"]["api"],
  { context, user, cursor }: {
    readonly context: string;
    readonly user: string;
    readonly cursor: string | undefined;
  },
) {
  const owner = new URLSearchParams({ context, user });
  const more = asked({ context, user, ...(cursor !== undefined && { cursor }) });
  const path = [context, user].map(encodeURIComponent);
  const [sockets, subscriptions, sessions, attributes] = await Promise.all([
    api("GET", `/v1/sockets?${owner}`),
    api("GET", `/v1/subscriptions?${more}`),
    api("GET", `/v1/sessions?${owner}`),
    api("GET", `/v1/contexts/${path[0]}/users/${path[1]}/config`),
  ]);
  return { sockets, subscriptions, sessions, attributes };
}

/** Shows the dead letters that match, below the result of an action. */
export async function showDeadLetters(c: ConsoleContext, query: PageQuery, result?: ActionResult) {
  const answer = await c.var.api("GET", `/v1/dead-letters?${asked(query)}`);
  return renderPage(c, <DeadLettersPage query={query} answer={answer} />, result);
}

/** Shows the credentials of the providers, below the result of an action. */
export async function showCredentials(c: ConsoleContext, result?: ActionResult) {
  return renderPage(c, <CredentialsPage answer={await c.var.api("GET", "/v1/status")} />, result);
}

/** Shows the keys of the server or of a user, below the result of an action. */
export async function showConfiguration(
  c: ConsoleContext,
  query: PageQuery,
  result?: ActionResult,
) {
  const { context, user } = query;
  const path = context === undefined || user === undefined
    ? "/v1/config/server"
    : `/v1/config/user?${new URLSearchParams({ context, user })}`;
  const answer = await c.var.api("GET", path);
  return renderPage(c, <ConfigurationPage query={query} answer={answer} />, result);
}

/** Returns the query without empty fields, as a form sends them. */
function filled(c: ConsoleContext): PageQuery {
  const entries = Object.entries(c.req.query()).filter(([, value]) => value.trim() !== "");
  return Object.fromEntries(entries.map(([name, value]) => [name, value.trim()]));
}

function asked(query: PageQuery): URLSearchParams {
  return new URLSearchParams({ ...query, limit: PAGE_SIZE });
}
