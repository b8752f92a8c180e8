// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures the memory of an idle connection: resident bytes per connection of a bare Deno WebSocket
 * server, of the realtime server alone with different flags, and of Socket.IO on Node.js, all in
 * one run. A few hundred connections are opened and closed first, so that one-time allocations are
 * not counted. Usage: `deno run --allow-all bench/idle_memory.ts [connections]`
 */

import { startDenoServer } from "./support/deno_server.ts";
import { startNodePeer } from "./support/node_peer.ts";
import { spawnSwarm } from "./support/swarm_process.ts";

/**
 * Keeps the young generation at 2 MiB per half; with the default of 16 all of it would become
 * resident.
 */
const SMALL_YOUNG = "--max-semi-space-size=2";

/**
 * One arena of glibc's allocator, and separate pages for the 8 KiB read buffer of each connection,
 * of which an idle connection then touches one page. The cap stays below the kernel's limit of
 * 65,530 mappings per process.
 */
const LEAN_MALLOC = {
  MALLOC_ARENA_MAX: "1",
  MALLOC_MMAP_THRESHOLD_: "8192",
  MALLOC_MMAP_MAX_: "32768",
};

interface Measured extends AsyncDisposable {
  readonly greeting: string;
  ask(line: string): Promise<string>;
}

const CONNECTIONS = Number(Deno.args[0] ?? 10_000);
const WARM_UP = 500;
const CANDIDATES: readonly (readonly [string, () => Promise<Measured>])[] = [
  ["Socket.IO on Node.js", () => startNodePeer("socketio_node.mjs")],
  ["bare WebSockets of Deno", () => startDeno("bare_websockets.ts")],
  ["realtime", () => startDeno("realtime_alone.ts")],
  [`realtime, ${SMALL_YOUNG}`, () => startDeno("realtime_alone.ts", SMALL_YOUNG)],
  ["the same, small malloc", () => startDeno("realtime_alone.ts", SMALL_YOUNG, LEAN_MALLOC)],
];

for (const revision of [4, 3] as const) {
  for (const [name, start] of CANDIDATES) {
    await using server = await start();
    const kib = await measure(server, revision);
    console.log(`EIO ${revision}  ${name.padEnd(36)} ${kib.toFixed(1).padStart(5)} KiB`);
  }
}
Deno.exit(0);

async function measure(server: Measured, revision: 3 | 4): Promise<number> {
  const open = (count: number) =>
    spawnSwarm({
      hostname: "127.0.0.1",
      port: Number(server.greeting),
      revision,
      targets: Array.from(
        { length: count },
        (_, at) => `/socket.io/?session=${count}-${at}&connection=${count}-${at}`,
      ),
    });
  await (await open(WARM_UP))[Symbol.asyncDispose]();
  const before = Number(await server.ask("memory"));
  await using _swarm = await open(CONNECTIONS);
  return (Number(await server.ask("memory")) - before) / CONNECTIONS / 1024;
}

function startDeno(
  script: string,
  v8Flag?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const v8Flags = ["--expose-gc", ...(v8Flag === undefined ? [] : [v8Flag])];
  return startDenoServer(script, { v8Flags, env });
}
