/** The floor: WebSockets as Deno makes them, with as much on top as the swarm insists on. */

import { lines } from "./ws_swarm.ts";

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => print(port),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.addEventListener("open", greet, { once: true });
  return response;
});

for await (const _ of lines(Deno.stdin.readable)) {
  (globalThis as { gc?: () => void }).gc?.();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  print(Deno.memoryUsage().rss);
}

function greet(this: WebSocket): void {
  this.send("0{}");
  this.send("40");
}

function print(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${value}\n`));
}
