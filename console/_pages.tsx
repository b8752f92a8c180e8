/** The pages that only show something. Each asks the API and renders its answer. */

import { Hono } from "hono";
import { allows } from "../core/principal.ts";
import type { ConsoleContext, ConsoleEnv } from "./_guard.ts";
import { NotificationPage, NotificationsPage, type UserItems } from "./_notification_pages.tsx";
import { NowPage } from "./_now_page.tsx";
import { ConfigurationPage, CredentialsPage, DeadLettersPage } from "./_operation_pages.tsx";
import { renderPage } from "./_render.ts";
import { TryPage } from "./_try_page.tsx";
import { UserDetailsPage } from "./_user_page.tsx";
import { WhyPage } from "./_why_page.tsx";
import type { LiveFeed } from "./live.ts";
import type { ConsoleSession } from "./sessions.ts";

/** What the pages need besides the API. */
interface PageDeps {
  readonly live: LiveFeed;
  /** The clients that may open sockets. */
  readonly socketClients: () => readonly { readonly client: string; readonly path: string }[];
}

type Query = Readonly<Record<string, string>>;

const PAGE_SIZE = "50";

/** Whether a session may see what covers all contexts. */
export function seesAll({ principal }: ConsoleSession): boolean {
  return allows(principal, "read") && principal.contexts === undefined;
}

/** Creates the routes of the pages. */
export function pageRoutes({ live, socketClients }: PageDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();

  app.get("/", async (c) => {
    const { session } = c.var;
    const state = seesAll(session) ? await live.once() : undefined;
    return renderPage(c, <NowPage session={session} state={state} />);
  });

  app.get("/notifications", async (c) => {
    const query = filled(c);
    const answer = await c.var.api("GET", `/v1/notifications?${asked(query)}`);
    return renderPage(
      c,
      <NotificationsPage session={c.var.session} answer={answer} query={query} />,
    );
  });

  app.get("/notifications/:id", async (c) => {
    return await showNotification(c, c.req.param("id"), { users: c.req.query("users") });
  });

  app.get("/why", async (c) => {
    const query = filled(c);
    const answer = Object.keys(query).length === 0
      ? undefined
      : await c.var.api("GET", `/v1/explain?${new URLSearchParams(query)}`);
    return renderPage(c, <WhyPage session={c.var.session} query={query} answer={answer} />);
  });

  app.get("/users", async (c) => await showUser(c, filled(c)));

  app.get("/dead-letters", async (c) => await showDeadLetters(c, filled(c)));

  app.get("/credentials", async (c) => await showCredentials(c));

  app.get("/configuration", async (c) => await showConfiguration(c, filled(c)));

  app.get("/try", (c) => {
    const clients = socketClients().map(({ client }) => client);
    return renderPage(c, <TryPage session={c.var.session} clients={clients} />);
  });

  return app;
}

/** Shows one notification, below the result of an action. */
export async function showNotification(
  c: ConsoleContext,
  id: string,
  { users = "", notice }: { readonly users?: string | undefined; readonly notice?: string } = {},
) {
  const { session, api } = c.var;
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
      {...{ session, answer, notice }}
      users={ofUsers?.ok ? usersFrom(ofUsers.body, { page, from }) : undefined}
      merged={merged?.ok ? merged : undefined}
    />,
  );
}

/** Returns a part of a page of the API, which has up to a thousand users. */
function usersFrom(
  { items, next }: { readonly items: UserItems["items"]; readonly next?: number },
  { page, from }: { readonly page: number; readonly from: number },
): UserItems {
  const to = from + Number(PAGE_SIZE);
  const following = to < items.length
    ? `${page}.${to}`
    : next === undefined
    ? undefined
    : `${next}`;
  return { items: items.slice(from, to), next: items.length === 0 ? undefined : following };
}

/** Shows what a user has, below the result of an action. */
export async function showUser(
  c: ConsoleContext,
  query: Query,
  shown: Pick<Parameters<typeof UserDetailsPage>[0], "notice" | "test"> = {},
) {
  const { session, api } = c.var;
  const { context, user, cursor } = query;
  if (context === undefined || user === undefined) {
    return renderPage(c, <UserDetailsPage session={session} query={query} answers={undefined} />);
  }
  const owner = new URLSearchParams({ context, user });
  const more = new URLSearchParams({
    ...{ context, user, limit: PAGE_SIZE },
    ...(cursor !== undefined && { cursor }),
  });
  const path = [context, user].map(encodeURIComponent);
  const [sockets, subscriptions, sessions, attributes] = await Promise.all([
    api("GET", `/v1/sockets?${owner}`),
    api("GET", `/v1/subscriptions?${more}`),
    api("GET", `/v1/sessions?${owner}`),
    api("GET", `/v1/contexts/${path[0]}/users/${path[1]}/config`),
  ]);
  const answers = { sockets, subscriptions, sessions, attributes };
  return renderPage(
    c,
    <UserDetailsPage session={session} query={query} answers={answers} {...shown} />,
  );
}

/** Shows the dead letters that match. */
export async function showDeadLetters(c: ConsoleContext, query: Query, notice?: string) {
  const answer = await c.var.api("GET", `/v1/dead-letters?${asked(query)}`);
  const { session } = c.var;
  return renderPage(
    c,
    <DeadLettersPage session={session} query={query} answer={answer} notice={notice} />,
  );
}

/** Shows the credentials of the providers. */
export async function showCredentials(c: ConsoleContext, notice?: string) {
  const answer = await c.var.api("GET", "/v1/status");
  return renderPage(c, <CredentialsPage session={c.var.session} answer={answer} notice={notice} />);
}

/** Shows the keys of the server or of a user. */
export async function showConfiguration(
  c: ConsoleContext,
  query: Query,
  reload?: Parameters<typeof ConfigurationPage>[0]["reload"],
) {
  const { session, api } = c.var;
  const { context, user } = query;
  const answer = context === undefined || user === undefined
    ? await api("GET", "/v1/config/server")
    : await api("GET", `/v1/config/user?${new URLSearchParams({ context, user })}`);
  return renderPage(
    c,
    <ConfigurationPage session={session} query={query} answer={answer} reload={reload} />,
  );
}

/** Returns the query without empty fields, as a form sends them. */
function filled(c: ConsoleContext): Query {
  const entries = Object.entries(c.req.query()).filter(([, value]) => value.trim() !== "");
  return Object.fromEntries(entries.map(([name, value]) => [name, value.trim()]));
}

function asked(query: Query): URLSearchParams {
  return new URLSearchParams({ ...query, limit: PAGE_SIZE });
}
