/** The page "Try it": publishes without leaving the page, and shows what a socket receives. */

const form = document.querySelector("#publish");
const published = document.querySelector("#published");
const connection = document.querySelector("#connection");
const inbox = document.querySelector("#inbox");
const MAX_ENTRIES = 50;
const UNREACHABLE = "The service cannot be reached.";

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  published.textContent = "publishing …";
  const { ok, body } = await send("/console/try/publish", new FormData(form));
  published.textContent = ok ? "Published: " : body?.detail ?? "It could not be published.";
  if (!ok) return;
  const link = document.createElement("a");
  link.href = `/console/notifications/${body.ids[0]}`;
  link.textContent = body.ids[0];
  published.append(link);
});

let socket;
document.querySelector("#connect")?.addEventListener("click", async () => {
  socket?.close();
  connection.textContent = "connecting …";
  const fields = new FormData(form);
  fields.set("client", document.querySelector("#inbox-client").value);
  const { ok, body } = await send("/console/try/session", fields);
  if (!ok) {
    connection.textContent = body?.detail ?? "A session could not be issued.";
    return;
  }
  if (!await loadClient()) {
    connection.textContent = UNREACHABLE;
    return;
  }
  const { token, path } = body;
  const name = `user ${fields.get("user")} of context ${fields.get("context")}`;
  socket = globalThis.io({
    path,
    query: { session: token },
  });
  socket.on("connect", () => connection.textContent = `connected as ${name}`);
  socket.on("connect_error", (error) => connection.textContent = `no connection: ${error.message}`);
  socket.on("disconnect", (reason) => {
    connection.textContent = reason === "io server disconnect"
      ? "disconnected: the session has ended"
      : `disconnected: ${reason}`;
  });
  // The last argument is the offset, which only the client library needs.
  socket.onAny((topic, ...values) => show(topic, values.slice(0, -1)));
});

function show(topic, values) {
  const entry = document.createElement("li");
  const title = document.createElement("bdi");
  title.textContent = topic;
  const text = document.createElement("pre");
  text.textContent = JSON.stringify(values[0], null, 2)?.slice(0, 4000) ?? "";
  const isolated = document.createElement("bdi");
  isolated.append(text);
  entry.append(title, isolated);
  inbox.prepend(entry);
  while (inbox.children.length > MAX_ENTRIES) inbox.lastChild.remove();
}

async function send(path, fields) {
  const response = await fetch(path, {
    method: "POST",
    headers: { accept: "application/json", "x-csrf-token": document.body.dataset.csrf },
    body: new URLSearchParams(fields),
  }).catch(() => undefined);
  if (!response) return { ok: false, body: { detail: UNREACHABLE } };
  if (response.redirected) {
    location.assign("/console/sign-in?ended=1");
    return { ok: false };
  }
  const isJson = response.headers.get("content-type")?.includes("json");
  return { ok: response.ok, body: isJson ? await response.json() : undefined };
}

/** Loads Socket.IO's own client at the first use; returns whether it is there. */
function loadClient() {
  if (globalThis.io) return true;
  const { promise, resolve } = Promise.withResolvers();
  const script = document.createElement("script");
  script.src = "/console/static/socket.io.js";
  script.onload = () => resolve(true);
  script.onerror = () => resolve(false);
  document.head.append(script);
  return promise;
}
