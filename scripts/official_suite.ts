// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task official-suite <folder>`: runs a checkout of one of the official suites (`test-suite/` of
 * the repositories of engine.io-protocol and socket.io-protocol) against the engine, as their
 * READMEs ask for: on port 3000, with short heartbeats. The rules of the suites are tests here too; this
 * is for who has the originals. Ends as the suite does.
 */

import { Server } from "socket.io";
import { systemClock } from "../core/clock.ts";
import { Engine } from "../realtime/engine.ts";

const PORT = 3000;
const [folder] = Deno.args;
if (folder === undefined) {
  console.error("Usage: deno task official-suite <folder with the suite's package.json>");
  Deno.exit(2);
}

const engine = new Engine({
  ...{ clock: systemClock, maxPayload: 1_000_000 },
  ...{ pingInterval: 300, pingTimeout: 200 },
});
const { name }: { readonly name?: string } = JSON.parse(
  await Deno.readTextFile(`${folder}/package.json`),
);
if (name?.startsWith("socket.io")) serveSocketIo();
else engine.on("connection", (socket) => socket.on("data", (data: string) => socket.send(data)));

await using _server = Deno.serve(
  { port: PORT, hostname: "127.0.0.1", onListen() {} },
  (request, info) => engine.fetch(request, { info }),
);
await run("install");
Deno.exit(await run("test"));

/** What the suite of Socket.IO expects of its server. */
function serveSocketIo(): void {
  const io = new Server({ serveClient: false, connectTimeout: 1_000 });
  io.bind(engine as never);
  for (const namespace of [io.of("/"), io.of("/custom")]) {
    namespace.on("connection", (socket) => {
      socket.emit("auth", socket.handshake.auth);
      socket.on("message", (...args) => socket.emit("message-back", ...args));
      socket.on("message-with-ack", (...args) => args.pop()(...args));
    });
  }
}

async function run(command: string): Promise<number> {
  const child = new Deno.Command("npm", { args: [command], cwd: folder! }).spawn();
  return (await child.status).code;
}
