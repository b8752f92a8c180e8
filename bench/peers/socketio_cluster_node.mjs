// deno-lint-ignore-file no-console -- it runs on Node.js and talks by its output

// The yardstick for several nodes: Socket.IO on Node.js with its Redis streams adapter and
// connection state recovery. The arguments are the address of Redis and a port (0 for any).
// Each socket is in the room of its user; `POST /emit` with a list of `{user, data}` emits
// to those rooms. Prints its port when both connections to Redis are there.
import { createServer } from "node:http";
import process from "node:process";
import { createAdapter } from "@socket.io/redis-streams-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const [address, port] = process.argv.slice(2);
const redis = createClient({ url: address });
redis.on("error", () => {}); // it connects again by itself
await redis.connect();

const http = createServer((request, response) => {
  if (request.url !== "/emit") return response.end("ok"); // also to those who ask for /readyz
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    for (const { user, data } of JSON.parse(Buffer.concat(chunks).toString())) {
      io.to(`user ${user}`).emit("ox:mail:new", data);
    }
    response.writeHead(202).end();
  });
});
const io = new Server(http, {
  serveClient: false,
  pingInterval: 25_000,
  pingTimeout: 60_000,
  adapter: createAdapter(redis),
  connectionStateRecovery: { maxDisconnectionDuration: 120_000 },
});
io.on("connection", (socket) => socket.join(`user ${socket.handshake.query.user}`));
http.listen(Number(port), "127.0.0.1", () => console.log(http.address().port));
// As `node_peer.ts` ends it.
process.stdin.on("data", () => process.exit(0));
