// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures the fan-out beside its floor and its peer, in one run and with the same clients: events
 * delivered per second and CPU per event of a bare loop of sends, of the engine and hub alone, of
 * the whole service (HTTP publish, durable buffer, cascade, sockets), and of Socket.IO on Node.js
 * emitting from memory; medians of several alternating rounds. Then latency, and the heap after
 * many events. Options: `--sockets`, `--seconds` (per round), `--rounds`,
 * `--only throughput|latency|heap`, `--senders` with beginnings of names between semicolons.
 */

import { parseArgs } from "node:util";
import { freePort } from "../tests/support/free_port.ts";
import { startCarillon } from "./support/carillon_process.ts";
import { waitedForCoreMs } from "./support/cpu_waits.ts";
import { heapBytes } from "./support/heap.ts";
import { residentBytes } from "./support/proc.ts";
import {
  AT_ONCE,
  COMMON,
  type LatencyServer,
  MAIL,
  openSockets,
  type Sender,
  startBareRelay,
  startBareSender,
  startBareStreams,
  startEngineSender,
  startPeerSender,
  startServiceSender,
} from "./support/senders.ts";
import { type ThreadTimes, threadTimes, timesPer, totalOf } from "./support/threads.ts";
import type { SwarmReport } from "./support/ws_swarm.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    sockets: { type: "string", default: "4000" },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
    senders: { type: "string" },
  },
});
const SOCKETS = Number(values.sockets);
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);
const wanted = values.senders?.split(";");
/** Concurrent events for each socket: enough to keep every stage busy. */
const WINDOW = 5;

interface Throughput extends ThreadTimes {
  readonly perSecond: number;
}

const SENDERS: Readonly<Record<string, (sockets: number) => Promise<Sender>>> = {
  "bare WebSocket.send on Deno": startBareSender,
  "bare streams of Deno.serve": startBareStreams,
  "bare streams of node:http on Deno": (sockets) => startBareStreams(sockets, "node:http"),
  "engine and hub alone": startEngineSender,
  "Carillon, publish to socket": startServiceSender,
  "the same, second port": (sockets) => startServiceSender(sockets, { hasStreamsPort: true }),
  "Carillon, to server-sent events": (sockets) => startServiceSender(sockets, { revision: "sse" }),
  "server-sent events, second port": (sockets) =>
    startServiceSender(sockets, { revision: "sse", hasStreamsPort: true }),
  "Carillon, to plain WebSockets": (sockets) => startServiceSender(sockets, { revision: "json" }),
  "Socket.IO on Node.js, from memory": startPeerSender,
};
const SERVICE = "Carillon, publish to socket";
const PEER = "Socket.IO on Node.js, from memory";

/** Sends window after window, each when the previous one has arrived, for a number of seconds. */
async function throughput({ pid, swarm, send }: Sender): Promise<Throughput> {
  const window = async () => {
    const done = swarm.received(WINDOW * SOCKETS);
    await send(WINDOW);
    return await done;
  };
  await window(); // warms up
  await window();
  const before = await threadTimes(pid);
  const begun = performance.now();
  let events = 0;
  for (; performance.now() - begun < SECONDS * 1000; events += WINDOW * SOCKETS) await window();
  const seconds = (performance.now() - begun) / 1000;
  const times = timesPer(events, { from: before, to: await threadTimes(pid) });
  return { perSecond: events / seconds, ...times };
}

async function showThroughput(): Promise<void> {
  const found = new Map<string, Throughput[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, start] of Object.entries(SENDERS)) {
      if (wanted && !wanted.some((each) => name.startsWith(each))) continue;
      await using sender = await start(SOCKETS);
      found.set(name, [...found.get(name) ?? [], await throughput(sender)]);
    }
  }
  const medians = new Map([...found].map(([name, all]) => [name, medianOf(all)]));
  console.log(
    `\n${SOCKETS} sockets, ${SECONDS} s a round, medians of ${ROUNDS} rounds; µs of CPU per event`,
  );
  row("", "events/s", "CPU", "main", "store", "collector", "other");
  for (const [name, result] of medians) {
    const { perSecond, main, store, collector, other } = result;
    const cpu = [totalOf(result), main, store, collector, other].map((us) => us.toFixed(1));
    row(name, perSecond.toFixed(0), ...cpu);
  }
  const [mine, theirs] = [medians.get(SERVICE), medians.get(PEER)];
  if (!mine || !theirs) return;
  row(
    "Carillon / Socket.IO",
    (mine.perSecond / theirs.perSecond).toFixed(2),
    (totalOf(mine) / totalOf(theirs)).toFixed(2),
  );
}

function medianOf(all: readonly Throughput[]): Throughput {
  const of = (field: keyof Throughput) =>
    all.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  const [perSecond, main, store] = [of("perSecond"), of("main"), of("store")];
  return { perSecond, main, store, collector: of("collector"), other: of("other") };
}

const WARM_UP = 6_000;

/** What the publishes took, and how long the server and the clients had no core meanwhile. */
interface Latency extends SwarmReport {
  /** Shares of the time. */
  readonly waits: { readonly server: number; readonly clients: number };
}

/** Sends single publishes to users in turn, at a rate, over several connections at once. */
async function latency(
  server: LatencyServer,
  { perSecond, total }: { readonly perSecond: number; readonly total: number },
): Promise<Latency> {
  await using swarm = await openSockets(server, 1000);
  const publish = (n: number) =>
    server.publish([{
      ...{ context: "1", user: String(n % 1000), topic: "ox:mail:new" },
      data: { ...MAIL, id: String(n), at: performance.timeOrigin + performance.now() },
    }]);
  // Warms up both sides until they have compiled.
  const warmUp = swarm.received(WARM_UP);
  await publishAtRate(publish, { perSecond, total: WARM_UP });
  await warmUp;
  const waited = () => Promise.all([server.pid, swarm.pid].map(waitedForCoreMs));
  const before = await waited();
  const begun = performance.now();
  const done = swarm.received(total);
  await publishAtRate(publish, { perSecond, total });
  const report = await done;
  const ms = performance.now() - begun;
  const after = await waited();
  const [ofServer, ofClients] = after.map((each, at) => (each - before[at]!) / ms);
  return { ...report, waits: { server: ofServer!, clients: ofClients! } };
}

async function showLatency(): Promise<void> {
  console.log("\nPublish to arrival in ms, single publishes to 1,000 sockets");
  row("", "p50", "p99", "max", "server waits", "clients wait");
  const often = { perSecond: 1000, total: 10_000 };
  const less = { perSecond: 400, total: 2000 };
  const cases = [
    ["delay 0, 1,000 publishes/s", () => startCarillon(AT_ONCE), often],
    ["bare relay, 1,000 publishes/s", startBareRelay, often],
    ["delay 0, 400 publishes/s", () => startCarillon(AT_ONCE), less],
    ["bare relay, 400 publishes/s", startBareRelay, less],
    ["default delay, 400 publishes/s", () => startCarillon(COMMON), less],
  ] as const;
  for (const [name, start, load] of cases) {
    await using server = await start();
    const { p50, p99, max, waits } = await latency(server, load);
    const shares = [waits.server, waits.clients].map((share) => `${(share * 100).toFixed(1)} %`);
    row(name, ...[p50, p99, max].map((ms) => ms.toFixed(1)), ...shares);
  }
  console.log(
    "They wait where they are ready to run and have no core: below a few % a row counts.",
  );
}

/** Measures the memory of the service after a number of events. */
async function showHeap(): Promise<void> {
  console.log("\nMiB of the service after so many events");
  row("events", "heap in use", "resident");
  const port = freePort();
  const v8Flags = [`--inspect=127.0.0.1:${port}`];
  await using sender = await startServiceSender(SOCKETS, { v8Flags });
  let sent = 0;
  for (const events of [500_000, 2_000_000]) {
    while (sent < events) {
      const done = sender.swarm.received(WINDOW * SOCKETS);
      await sender.send(WINDOW);
      await done;
      sent += WINDOW * SOCKETS;
    }
    await sleep(2_000); // for what is still to be written
    const held = [await heapBytes(port), await residentBytes(sender.pid)];
    row(String(sent), ...held.map((bytes) => (bytes / 2 ** 20).toFixed(0)));
  }
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(36)}${cells.map((cell) => cell.padStart(15)).join("")}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const parts = {
  throughput: showThroughput,
  latency: showLatency,
  heap: showHeap,
};
for (const [name, part] of Object.entries(parts)) {
  if (values.only === undefined || values.only === name) await part();
}
Deno.exit(0);

/**
 * Calls `publish` with 0, 1, 2, … at a rate, whether earlier calls were answered or not (an open
 * loop). Resolves when the last call is answered.
 */
async function publishAtRate(
  publish: (n: number) => Promise<unknown>,
  { perSecond, total }: { readonly perSecond: number; readonly total: number },
): Promise<void> {
  const begun = performance.now();
  const sent: Promise<unknown>[] = [];
  while (sent.length < total) {
    const due = Math.min(total, Math.floor((performance.now() - begun) / 1000 * perSecond) + 1);
    while (sent.length < due) sent.push(publish(sent.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(sent);
}
