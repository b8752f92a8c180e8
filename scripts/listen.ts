// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * Opens a socket for a user, like a browser tab of App Suite, and prints the events that it receives:
 * `deno task listen [user] [context]`, with an admin key in `CARILLON_KEY`.
 */

import { io } from "socket.io-client";

const [user = "3", context = "1"] = Deno.args;
const address = Deno.env.get("CARILLON_URL") ?? "http://localhost:8080";
const key = Deno.env.get("CARILLON_KEY");
if (!key) {
  console.error("Set CARILLON_KEY to an API key with scope 'admin' or 'subscribe'.");
  Deno.exit(2);
}

const response = await fetch(`${address}/v1/sessions`, {
  method: "POST",
  headers: { "authorization": `Bearer ${key}`, "content-type": "application/json" },
  body: JSON.stringify({ context, user }),
});
if (!response.ok) {
  console.error(`Cannot create a session: ${response.status} ${await response.text()}`);
  Deno.exit(1);
}
const { token } = await response.json();

const socket = io(address, {
  path: "/socket.io/appsuite/",
  query: { session: token, connection: crypto.randomUUID() },
});
socket.on("connect", () => console.log(`listening as user ${user} of context ${context} …`));
socket.on("connect_error", (error) => console.error(`cannot connect: ${error.message}`));
socket.on("disconnect", (reason) => console.log(`disconnected: ${reason}`));
// The last argument is the event's offset, which only the client library needs.
socket.onAny((topic, ...args) => console.log(JSON.stringify([topic, ...args.slice(0, -1)])));
