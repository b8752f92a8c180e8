/** Opens a user's socket. The token comes from the page's own back end; see `../back_end`. */

/** A token that ends sooner than this is replaced, in milliseconds. */
const MARGIN_MS = 60_000;
const RETRY_MS = 2_000;

/**
 * Connects, and calls `onEvent(topic, data, { collapseKey })` for each notification, and
 * `onResync()` where the socket was away for too long to get what it missed. `askForSession()`
 * returns an object with `url`, `token` and `expires`.
 *
 * Returns Socket.IO's socket, the address, and the connection id: a publish with this id as
 * `sourceToken` reaches every tab but this one.
 */
export async function openSocket({ askForSession, onEvent, onResync }) {
  let session = await askForSession();
  const { url } = session;
  // The service has Socket.IO's client as well. With a bundler, import it from "socket.io-client".
  const { io } = await import(`${url}/socket.io/socket.io.esm.min.js`);
  const connection = crypto.randomUUID();

  async function currentToken() {
    const isFresh = session && Date.parse(session.expires) - Date.now() > MARGIN_MS;
    if (!isFresh) session = await askForSession();
    return session.token;
  }

  const socket = io(url, {
    path: "/socket.io/appsuite/",
    // A WebSocket at once; polling where a network lets none through.
    transports: ["websocket", "polling"],
    tryAllTransports: true,
    // In the query, where a load balancer can use it for sticky sessions.
    query: { connection },
    // Socket.IO calls this at each connect, also after a drop.
    auth: (give) => currentToken().then((token) => give({ session: token }), () => give({})),
  });

  /** Socket.IO reconnects by itself, unless the service has refused or ended the session. */
  function reconnectWithNewSession() {
    if (socket.active) return;
    session = undefined;
    setTimeout(() => socket.connect(), RETRY_MS);
  }
  socket.on("connect_error", reconnectWithNewSession);
  socket.on("disconnect", (reason) => {
    if (reason !== "io client disconnect") reconnectWithNewSession();
  });

  // The name of an event is the topic, or "resync". Its arguments are the data, an object with the
  // collapse key where there is one, the offset, and a function where the publisher waits for you.
  socket.onAny((topic, data, ...rest) => {
    if (topic === "resync") return onResync();
    const { collapseKey } = rest.find((each) => each?.collapseKey) ?? {};
    onEvent(topic, data, { collapseKey });
    if (typeof rest.at(-1) === "function") rest.at(-1)();
  });
  return { socket, url, connection };
}
