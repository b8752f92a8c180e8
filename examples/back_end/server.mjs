// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * A back end that gives its pages what they need for sockets and Web Push, with nothing but
 * Node.js 18 or later:
 *
 *   POST /session        a session token for the user who is logged in
 *   POST /subscription   stores the browser's Web Push subscription for that user
 *   GET  /…              the page in ../browser_page
 *
 *   CARILLON_KEY=car_… node examples/back_end/server.mjs
 *
 * The key needs the scope "subscribe" and never leaves this process: pages get a token that acts
 * for one user only and ends by itself.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import process from "node:process";

const { CARILLON_URL = "http://localhost:8080", CARILLON_KEY, PORT = "3000" } = process.env;
const SESSION_SECONDS = 3600;
const MAX_BODY_BYTES = 8192;

/**
 * REPLACE THIS: return the user that your own login has established, e.g. from a cookie, and
 * `undefined` where there is none. As it stands everybody is user 3 of context 1, which is why
 * this example listens on the loopback interface only.
 */
function userOf(_request) {
  return { context: "1", user: "3" };
}

/** The page's files; nothing else is served. */
const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/socket.js": ["socket.js", "text/javascript; charset=utf-8"],
  "/web_push.js": ["web_push.js", "text/javascript; charset=utf-8"],
  "/push.js": ["push.js", "text/javascript; charset=utf-8"],
};

/** Calls Carillon with the API key. */
async function callCarillon(path, body) {
  const response = await fetch(CARILLON_URL + path, {
    method: "POST",
    headers: { "authorization": `Bearer ${CARILLON_KEY}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

/** What is answered to a `POST`, by path. */
const ROUTES = {
  async "/session"(user) {
    const { token, expires } = await callCarillon("/v1/sessions", {
      ...user,
      ttl: SESSION_SECONDS,
    });
    return { url: CARILLON_URL, token, expires };
  },
  async "/subscription"(user, { client, token, topics }) {
    const { id, warnings } = await callCarillon("/v1/subscriptions", {
      // Named last, so that a page cannot subscribe somebody else.
      ...{ client, token, topics, transport: "webpush" },
      ...user,
    });
    return { id, warnings };
  },
};

/** The body of a request; `undefined` where it is too large or not JSON. */
async function readJson(request) {
  let text = "";
  for await (const part of request.setEncoding("utf8")) {
    text += part;
    if (text.length > MAX_BODY_BYTES) return undefined;
  }
  try {
    return Object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function answer(request) {
  const { method, url } = request;
  if (method === "GET" && Object.hasOwn(FILES, url)) {
    const [name, type] = FILES[url];
    return {
      status: 200,
      type,
      body: await readFile(new URL(`../browser_page/${name}`, import.meta.url)),
    };
  }
  if (method !== "POST" || !Object.hasOwn(ROUTES, url)) return { status: 404, body: {} };
  // A page of another site cannot send this type without a preflight, which is not answered here.
  if (request.headers["content-type"] !== "application/json") return { status: 415, body: {} };
  const user = userOf(request);
  if (user === undefined) return { status: 401, body: {} };
  const body = await readJson(request);
  if (body === undefined) return { status: 400, body: {} };
  return { status: 200, body: await ROUTES[url](user, body) };
}

const server = createServer(async (request, response) => {
  let answered;
  try {
    answered = await answer(request);
  } catch (error) {
    console.error(error.message);
    answered = { status: 502, body: {} };
  }
  const { status, type = "application/json", body } = answered;
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
  response.end(type === "application/json" ? JSON.stringify(body) : body);
});

server.listen(Number(PORT), "127.0.0.1", () => {
  console.log(`listening at http://localhost:${server.address().port}`);
});
