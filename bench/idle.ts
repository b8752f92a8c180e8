// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures many idle connections of each kind to the whole service, beside Socket.IO on Node.js and
 * bare floors of the runtime, all open at the same time: resident memory per connection, CPU at
 * rest, heartbeats included, and how long an event takes to reach all of them. Options:
 * `--connections`, `--kinds` with a list of names' beginnings.
 */

import { parseArgs } from "node:util";
import { startCarillon } from "./support/carillon_process.ts";
import { startDenoServer } from "./support/deno_server.ts";
import { startNodePeer } from "./support/node_peer.ts";
import { cpuSeconds, residentBytes } from "./support/proc.ts";
import { AT_ONCE, openSockets, streamsPort } from "./support/senders.ts";
import { spawnSwarm, type SwarmProcess } from "./support/swarm_process.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { connections: { type: "string", default: "10000" }, kinds: { type: "string" } },
});
const CONNECTIONS = Number(values.connections);
/** After so long without work both runtimes have collected the garbage of the handshakes. */
const SETTLE_MS = 35_000;
/** Opened first, so that what a process allocates once is not counted. */
const WARM_UP = 100;
const BATCH = 1000;

/** A server to which connections can be opened. */
interface Server extends AsyncDisposable {
  readonly pid: number;
  open(count: number): Promise<SwarmProcess>;
  /** Publishes an event to each of the first users; absent where only memory is measured. */
  publish?(users: number): Promise<void>;
}

/** A server with its idle connections. */
interface Idle {
  readonly name: string;
  readonly server: Server;
  readonly swarm: SwarmProcess;
  readonly bytesBefore: number;
}

const KINDS: Readonly<Record<string, () => Promise<Server>>> = {
  "Socket.IO": () => service(4),
  "Socket.IO, second port": () => service(4, streamsPort()),
  "plain WebSocket": () => service("json"),
  "plain WebSocket, second port": () => service("json", streamsPort()),
  "server-sent events": () => service("sse"),
  "the same, second port": () => service("sse", streamsPort()),
  "bare stream of Deno.serve": () => bareStreams(),
  "bare stream of node:http": () => bareStreams("node:http"),
  "Socket.IO on Node.js": peer,
};

async function service(
  revision: 4 | "json" | "sse",
  streams?: ReturnType<typeof streamsPort>,
): Promise<Server> {
  const carillon = await startCarillon([...AT_ONCE, ...streams?.properties ?? []]);
  return {
    pid: carillon.pid,
    open: (count) => openSockets({ ...carillon, ...streams }, count, revision),
    async publish(users) {
      for (let from = 0; from < users; from += BATCH) {
        const count = Math.min(BATCH, users - from);
        await carillon.publish(Array.from({ length: count }, (_, n) => ({
          ...{ context: "1", user: String(from + n), topic: "ox:mail:new", data: { n: 1 } },
        })));
      }
    },
    [Symbol.asyncDispose]: () => carillon[Symbol.asyncDispose](),
  };
}

async function bareStreams(by = "Deno.serve"): Promise<Server> {
  const server = await startDenoServer("bare_streams.ts", { env: { STREAMS_BY: by } });
  const open = swarms({ port: Number(server.greeting), path: "/v1/stream", revision: "sse" });
  return { pid: server.pid, open, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

async function peer(): Promise<Server> {
  const server = await startNodePeer("socketio_node.mjs");
  const open = swarms({ port: Number(server.greeting), path: "/socket.io/", revision: 4 });
  return { pid: server.pid, open, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function swarms(
  { port, path, revision }: {
    readonly port: number;
    readonly path: string;
    readonly revision: 4 | "sse";
  },
): Server["open"] {
  return (count) =>
    spawnSwarm({
      ...{ hostname: "127.0.0.1", port, revision },
      targets: Array.from({ length: count }, () => `${path}?x=1`),
    });
}

/** Publishes to every connection; milliseconds until all have it. */
async function reachAll({ server, swarm }: Idle): Promise<number | undefined> {
  if (!server.publish) return undefined;
  const arrived = swarm.received(CONNECTIONS);
  const begun = performance.now();
  await server.publish(CONNECTIONS);
  await arrived;
  return performance.now() - begun;
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(30)}${cells.map((cell) => cell.padStart(18)).join("")}`);
}

await using opened = new AsyncDisposableStack();
const all: Idle[] = [];
const wanted = values.kinds?.split(",");
for (const [name, start] of Object.entries(KINDS)) {
  if (wanted && !wanted.some((each) => name.startsWith(each))) continue;
  const server = opened.use(await start());
  opened.use(await server.open(WARM_UP));
  const bytesBefore = await residentBytes(server.pid);
  const swarm = opened.use(await server.open(CONNECTIONS));
  all.push({ name, server, swarm, bytesBefore });
}
const cpuBefore = await Promise.all(all.map(({ server }) => cpuSeconds(server.pid)));
await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
row("", "KiB a connection", "% of a core", "ms to reach all");
for (const [at, idle] of all.entries()) {
  const { name, server, bytesBefore } = idle;
  const cpu = (await cpuSeconds(server.pid) - cpuBefore[at]!) / (SETTLE_MS / 1000) * 100;
  const kib = (await residentBytes(server.pid) - bytesBefore) / CONNECTIONS / 1024;
  const ms = await reachAll(idle);
  row(name, kib.toFixed(1), cpu.toFixed(2), ms === undefined ? "" : ms.toFixed(0));
}
await opened.disposeAsync();
Deno.exit(0);
