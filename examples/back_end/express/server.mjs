// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * The same back end as `../server.mjs` for Express: mints a session token for the user who is logged
 * in, and stores the browser's Web Push subscription for that user.
 *
 *   npm install express@5
 *   CARILLON_KEY=car_… node server.mjs
 */

import express from "express";
import process from "node:process";

const { CARILLON_URL = "http://localhost:8080", CARILLON_KEY, PORT = "3000" } = process.env;

/**
 * REPLACE THIS by your own login, e.g. `passport` or `express-session`. As it stands everybody is user
 * 3 of context 1, which is why this example listens on the loopback interface only.
 */
function requireLogin(request, _response, next) {
  request.user = { context: "1", user: "3" };
  next();
}

/** Calls Carillon with the API key, which never leaves this process. */
async function callCarillon(path, body) {
  const response = await fetch(CARILLON_URL + path, {
    method: "POST",
    headers: { "authorization": `Bearer ${CARILLON_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

const app = express();
app.disable("x-powered-by");
// Only JSON: a page of another site cannot send it without a preflight, which is not answered here.
app.use(express.json({ limit: "8kb" }));
app.use((request, response, next) =>
  request.is("application/json") ? next() : response.sendStatus(415)
);

app.post("/session", requireLogin, async (request, response) => {
  const { token, expires } = await callCarillon("/v1/sessions", { ...request.user, ttl: 3600 });
  response.set("cache-control", "no-store").json({ url: CARILLON_URL, token, expires });
});

app.post("/subscription", requireLogin, async (request, response) => {
  const { client, token, topics } = request.body;
  const { id, warnings } = await callCarillon("/v1/subscriptions", {
    ...{ client, token, topics, transport: "webpush" },
    // Named last, so that a page cannot subscribe somebody else.
    ...request.user,
  });
  response.json({ id, warnings });
});

app.use((error, _request, response, _next) => {
  console.error(error.message);
  response.sendStatus(error.status ?? 502);
});

const server = app.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`listening at http://localhost:${server.address().port}`);
});
