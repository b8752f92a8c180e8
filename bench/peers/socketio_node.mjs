// deno-lint-ignore-file no-console -- it runs on Node.js and talks by its output

// The yardstick: Socket.IO on Node.js with its defaults, emitting from memory. Prints its port,
// then obeys lines of its input: `memory` prints RSS in bytes after a collection, `emit <rounds>
// <json>` emits the event to every socket that many times, one call for each socket.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, {
  allowEIO3: true,
  serveClient: false,
  pingInterval: 25_000,
  pingTimeout: 60_000,
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));

for await (const line of createInterface({ input: process.stdin })) {
  const [command, rounds, ...json] = line.split(" ");
  if (command === "memory") {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    console.log(process.memoryUsage().rss);
  } else if (command === "emit") {
    const data = JSON.parse(json.join(" "));
    for (let round = 0; round < Number(rounds); round++) {
      data.at = performance.timeOrigin + performance.now();
      for (const socket of io.sockets.sockets.values()) socket.emit("ox:mail:new", data);
      await new Promise((resolve) => setImmediate(resolve));
    }
    console.log("done");
  } else if (command === "close") process.exit(0);
}
