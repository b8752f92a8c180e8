// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Publishes "new mail" to a user from Node.js 18 or later, or from Deno, and prints what became of
 * it:
 *
 *   CARILLON_KEY=car_… node examples/publish/publish.mjs [user] [context]
 *   CARILLON_KEY=car_… deno run --allow-net --allow-env examples/publish/publish.mjs
 *
 * The key needs the scope "publish", and "read" for the second request.
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const { CARILLON_URL = "http://localhost:8080", CARILLON_KEY } = process.env;
const [user = "3", context = "1"] = process.argv.slice(2);

/** Calls the API; throws what it answers instead of a success. */
async function call(path, init = {}) {
  const response = await fetch(CARILLON_URL + path, {
    ...init,
    headers: { "authorization": `Bearer ${CARILLON_KEY}`, ...init.headers },
  });
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  return response.json();
}

const { ids: [id] } = await call("/v1/notifications", {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    context,
    user,
    topic: "ox:mail:new",
    data: { folder: "default0/INBOX", id: "113", subject: "Let us meet" },
  }),
});
console.log(`accepted as ${id}`);

// 202 means that the notification is stored. Delivery follows, after the delay for similar ones.
let record;
do {
  await sleep(250);
  record = await call(`/v1/notifications/${id}`);
} while (record.state === "in_flight");
console.log(JSON.stringify(record));
