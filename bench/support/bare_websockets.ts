/**
 * The floor of the fan-out: Deno's WebSockets with the minimum of protocol that the swarm needs.
 * `emit <rounds> <json>` sends the frame of an event to every socket that many times; `memory`
 * prints the resident bytes.
 */

import { lines } from "./ws_swarm.ts";

const sockets = new Set<WebSocket>();

Deno.serve({
  port: 0,
  hostname: "127.0.0.1",
  onListen: ({ port }) => print(port),
}, (request) => {
  const { socket, response } = Deno.upgradeWebSocket(request, { idleTimeout: 0 });
  socket.addEventListener("open", greet, { once: true });
  socket.addEventListener("close", () => sockets.delete(socket), { once: true });
  return response;
});

for await (const line of lines(Deno.stdin.readable)) {
  const [command, rounds, ...json] = line.split(" ");
  if (command === "emit") {
    for (let round = 0; round < Number(rounds); round++) {
      const at = performance.timeOrigin + performance.now();
      const data = JSON.stringify({ ...JSON.parse(json.join(" ")), at });
      const frame = `42["ox:mail:new",${data},"${round.toString().padStart(16, "0")}"]`;
      for (const socket of sockets) socket.send(frame);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    print("done");
  } else {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    print(Deno.memoryUsage().rss);
  }
}

function greet(this: WebSocket): void {
  sockets.add(this);
  this.send("0{}");
  this.send("40");
}

function print(value: unknown): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${value}\n`));
}
