/** What operators do. Each action calls the API, which checks that the principal may do it. */

import { Hono } from "hono";
import type { ConsoleEnv } from "./_guard.ts";
import { Layout, Problem } from "./_layout.tsx";
import {
  showConfiguration,
  showCredentials,
  showDeadLetters,
  showNotification,
  showUser,
} from "./_pages.tsx";
import { renderPage } from "./_render.ts";
import type { ApiAnswer } from "./tickets.ts";
import type { ConsoleContext } from "./_guard.ts";

/** How long the session of an inbox lasts. */
const INBOX_SECONDS = 600;

/** What the actions need besides the API. */
interface ActionDeps {
  readonly socketClients: () => readonly { readonly client: string; readonly path: string }[];
}

/** Creates the routes of the actions. */
export function actionRoutes({ socketClients }: ActionDeps): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();

  app.post("/users/revoke", async (c) => {
    const { id, owner } = fieldsOf(c);
    const answer = await c.var.api("DELETE", `/v1/sessions/${id}`);
    return answer.ok
      ? await showUser(c, owner, { notice: "The session is revoked; its sockets are closed." })
      : refused(c, answer);
  });

  app.post("/users/unsubscribe", async (c) => {
    const { id, owner } = fieldsOf(c);
    const answer = await c.var.api("DELETE", `/v1/subscriptions/${id}`);
    return answer.ok
      ? await showUser(c, owner, { notice: "The subscription is deleted." })
      : refused(c, answer);
  });

  app.post("/users/test", async (c) => {
    const { id, owner } = fieldsOf(c);
    const answer = await c.var.api("POST", `/v1/subscriptions/${id}/test`);
    if (!answer.ok) return refused(c, answer);
    return await showUser(c, owner, { test: { answer, message: answer.body.message } });
  });

  app.post("/notifications/cancel", async (c) => {
    const { id = "" } = c.var.form;
    const answer = await c.var.api("DELETE", `/v1/notifications/${encodeURIComponent(id)}`);
    if (!answer.ok) return refused(c, answer);
    const { state, targets } = answer.body;
    const isCancelled = [{ state }, ...targets].some(({ state }) => state === "cancelled");
    const notice = isCancelled ? "What was not sent is cancelled." : "Nothing was left to cancel.";
    return await showNotification(c, id, { notice });
  });

  app.post("/dead-letters/replay", async (c) => {
    const { csrf: _csrf, id, ...filter } = c.var.form;
    const answer = id === undefined
      ? await c.var.api("POST", "/v1/dead-letters/replay", { body: filter })
      : await c.var.api("POST", `/v1/dead-letters/${encodeURIComponent(id)}/replay`);
    if (!answer.ok) return refused(c, answer);
    const { replayed, more } = answer.body;
    const rest = more ? " There are more: replay again." : "";
    return await showDeadLetters(c, filter, `${replayed} dead letters are replayed.${rest}`);
  });

  app.post("/credentials/reload", async (c) => {
    const answer = await c.var.api("POST", "/v1/admin/reload");
    return answer.ok
      ? await showCredentials(c, "The configuration and the credentials are read again.")
      : refused(c, answer);
  });

  app.post("/configuration/preview", async (c) => {
    const answer = await c.var.api("POST", "/v1/admin/reload?dryRun=true");
    return await showConfiguration(c, {}, answer);
  });

  app.post("/try/publish", async (c) => {
    const { context, user, topic, data = "" } = c.var.form;
    const parsed = parsedObject(data);
    const answer = parsed === undefined
      ? { ok: false, status: 400, body: { detail: "The data are not a JSON object" } }
      : await c.var.api("POST", "/v1/notifications", {
        body: { context, user, topic, data: parsed },
      });
    if (c.req.header("accept") === "application/json") {
      return c.json(answer.body, answer.ok ? 202 : 400);
    }
    if (!answer.ok) return refused(c, answer);
    return c.redirect(`/console/notifications/${answer.body.ids[0]}`, 303);
  });

  app.post("/try/session", async (c) => {
    const { context, user, client } = c.var.form;
    const known = socketClients().find((each) => each.client === client);
    const answer = await c.var.api("POST", "/v1/sessions", {
      body: { context, user, ttl: INBOX_SECONDS, ...(client && { client }) },
    });
    if (!answer.ok || !known) return c.json(answer.body, 400);
    const path = known.path.replace(/\*$/, "");
    return c.json({ token: answer.body.token, path });
  });

  return app;
}

function fieldsOf(c: ConsoleContext) {
  const { id = "", context = "", user = "" } = c.var.form;
  return { id: encodeURIComponent(id), owner: { context, user } };
}

function refused(c: ConsoleContext, answer: ApiAnswer): Response | Promise<Response> {
  const status = answer.status === 403 ? 403 : answer.status === 404 ? 404 : 503;
  return renderPage(
    c,
    <Layout title="It was not done" session={c.var.session}>
      <Problem answer={answer} />
    </Layout>,
    status,
  );
}

function parsedObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
