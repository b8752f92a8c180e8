/**
 * The floor of the time from a publish to its arrival: parses a publish and sends its event to the
 * socket of its user, without a store, a log or a check.
 */

const sockets = new Map<string, WebSocket>();
const encoder = new TextEncoder();

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => void Deno.stdout.writeSync(encoder.encode(`${port}\n`)),
}, async (request) => {
  if (request.headers.has("upgrade")) return open(request);
  const { notifications: [{ user, data }] } = await request.json();
  sockets.get(user)!.send(`42["ox:mail:new",${JSON.stringify(data)},"0000000000000000"]`);
  return Response.json({ ids: ["01a21cd2-c8a3-739c-a768-003ef2939d18"] }, { status: 202 });
});

/** The session of a socket is its user. */
function open(request: Request): Response {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.addEventListener("open", () => {
    socket.send("0{}");
    socket.send("40");
  }, { once: true });
  sockets.set(new URL(request.url).searchParams.get("session")!, socket);
  return response;
}
