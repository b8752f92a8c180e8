/** The page: opens a socket at once, and subscribes to Web Push when the user asks for it. */

import { openSocket } from "./socket.js";
import { subscribeToWebPush } from "./web_push.js";

/** The client of `conf/pns-webpush-options.yml` that this page is. */
const CLIENT = "mybrowserclient";

const status = document.querySelector("#status");
const button = document.querySelector("#push");
const list = document.querySelector("#events");

async function askForSession() {
  const response = await fetch("/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  if (!response.ok) throw new Error(`No session: ${response.status}`);
  return await response.json();
}

/** What is shown under each collapse key. */
const shown = new Map();

function show(topic, data, { collapseKey }) {
  // The newer one replaces the earlier, and the event "dismiss" takes it back.
  shown.get(topic === "dismiss" ? data.tag : collapseKey)?.remove();
  if (topic === "dismiss") return;
  const item = document.createElement("li");
  // As text: what others have sent is never HTML.
  item.textContent = `${topic} ${JSON.stringify(data)}`;
  list.prepend(item);
  if (collapseKey !== undefined) shown.set(collapseKey, item);
}

const { socket, url } = await openSocket({
  askForSession,
  onEvent: show,
  onResync: () => location.reload(), // something was missed: load everything again
});
socket.on("connect", () => status.textContent = "connected");
socket.on("disconnect", () => status.textContent = "disconnected, will reconnect");
socket.on("connect_error", (error) => status.textContent = `cannot connect: ${error.message}`);

button.addEventListener("click", async () => {
  try {
    await subscribeToWebPush({ url, client: CLIENT, topics: ["ox:mail:new"] });
    button.textContent = "Web Push is on";
  } catch (error) {
    status.textContent = error.message;
  }
});
