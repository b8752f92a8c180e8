/** What operators do. Each action calls the API, which checks that the principal may do it. */

import { Hono } from "hono";
import type { Child } from "hono/jsx";
import type { ConsoleContext, ConsoleEnv } from "./_guard.ts";
import { Layout, Notice, Problem } from "./_layout.tsx";
import { ReloadPreview } from "./_operation_pages.tsx";
import {
  type PageDeps,
  showConfiguration,
  showCredentials,
  showDeadLetters,
  showNotification,
  showUser,
} from "./_pages.tsx";
import { type ActionResult, renderPage } from "./_render.tsx";
import type { ApiAnswer } from "./tickets.ts";
import { TestResult } from "./_user_page.tsx";

/** How long the session of an inbox lasts. */
const INBOX_SECONDS = 600;

/** Creates the routes of the actions. */
export function actionRoutes({ socketClients }: Pick<PageDeps, "socketClients">): Hono<ConsoleEnv> {
  const app = new Hono<ConsoleEnv>();

  app.post("/users/revoke", async (c) => {
    const { id, owner } = fieldsOf(c);
    const answer = await c.var.api("DELETE", `/v1/sessions/${id}`);
    const done = () => "The session is revoked; its sockets are closed.";
    return await showUser(c, owner, resultOf(answer, done));
  });

  app.post("/users/unsubscribe", async (c) => {
    const { id, owner } = fieldsOf(c);
    const answer = await c.var.api("DELETE", `/v1/subscriptions/${id}`);
    return await showUser(c, owner, resultOf(answer, () => "The subscription is deleted."));
  });

  app.post("/users/test", async (c) => {
    const { id, owner } = fieldsOf(c);
    const answer = await c.var.api("POST", `/v1/subscriptions/${id}/test`);
    const result = answer.ok ? { shown: <TestResult answer={answer} /> } : refusal(answer);
    return await showUser(c, owner, result);
  });

  app.post("/notifications/cancel", async (c) => {
    const { id = "" } = c.var.form;
    const answer = await c.var.api("DELETE", `/v1/notifications/${encodeURIComponent(id)}`);
    const result = resultOf(answer, ({ state, targets }) => {
      const isCancelled = [{ state }, ...targets].some(({ state }) => state === "cancelled");
      return isCancelled ? "What was not sent is cancelled." : "Nothing was left to cancel.";
    });
    return await showNotification(c, id, { result });
  });

  app.post("/dead-letters/replay", async (c) => {
    const { csrf: _csrf, id, ...filter } = c.var.form;
    const answer = id === undefined
      ? await c.var.api("POST", "/v1/dead-letters/replay", { body: filter })
      : await c.var.api("POST", `/v1/dead-letters/${encodeURIComponent(id)}/replay`);
    const result = resultOf(answer, ({ replayed, more }) => {
      const what = replayed === 1 ? "1 dead letter is" : `${replayed} dead letters are`;
      return `${what} replayed.${more ? " There are more: replay again." : ""}`;
    });
    return await showDeadLetters(c, filter, result);
  });

  app.post("/credentials/reload", async (c) => {
    const answer = await c.var.api("POST", "/v1/admin/reload");
    const done = () => "The configuration and the credentials are read again.";
    return await showCredentials(c, resultOf(answer, done));
  });

  app.post("/configuration/preview", async (c) => {
    const { csrf: _csrf, ...query } = c.var.form;
    const answer = await c.var.api("POST", "/v1/admin/reload?dryRun=true");
    const result = answer.ok ? { shown: <ReloadPreview answer={answer} /> } : refusal(answer);
    return await showConfiguration(c, query, result);
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
    if (!answer.ok) return renderPage(c, <Layout title="It was not done" />, refusal(answer));
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

/** What is shown of an answer of the API; `done` says what it did. */
function resultOf(answer: ApiAnswer, done: (body: ApiAnswer["body"]) => Child): ActionResult {
  return answer.ok ? { shown: <Notice>{done(answer.body)}</Notice> } : refusal(answer);
}

function refusal(answer: ApiAnswer): ActionResult {
  const { status } = answer;
  return {
    shown: <Problem answer={answer} />,
    status: status === 403 || status === 404 ? status : 503,
  };
}

function parsedObject(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
