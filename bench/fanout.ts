// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * The main job against its yardstick, in one run and with the same clients: events delivered per
 * second through the whole pipeline (HTTP publish, durable buffer, cascade, sockets) and by
 * Socket.IO on Node.js emitting from memory; idle memory per connection of both; and the latency
 * from publish to arrival. `--sockets`, `--rounds` and `--idle` change the sizes,
 * `--only throughput|idle|latency` leaves the rest out.
 */

import { parseArgs } from "node:util";
import { type CarillonProcess, startCarillon } from "./support/carillon_process.ts";
import { startNodePeer } from "./support/node_peer.ts";
import { cpuSeconds, residentBytes } from "./support/proc.ts";
import { spawnSwarm, type SwarmProcess } from "./support/swarm_process.ts";
import type { SwarmReport } from "./support/ws_swarm.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    sockets: { type: "string", default: "4000" },
    rounds: { type: "string", default: "40" },
    idle: { type: "string", default: "10000" },
    only: { type: "string" },
  },
});
const SOCKETS = Number(values.sockets);
const ROUNDS = Number(values.rounds);
const IDLE = Number(values.idle);
/** Events to each socket that are under way at once: enough to keep every stage busy. */
const WINDOW = 5;
const BATCH = 1000;
const PUBLISHERS = 4;

const MAIL = {
  folder: "default0/INBOX",
  id: "113",
  email: "jane.doe@foobar.com",
  displayname: "Jane Doe",
  subject: "Let's meet",
  unread: 83,
  teaser: "Hello",
};
const COMMON = [
  "io.carillon.websocket.handshakesPerSecond=1000000",
  "io.carillon.buffer.maxNotifications=1000000",
];
const AT_ONCE = [...COMMON, "com.openexchange.pns.delayDuration=0"];

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

async function swarmOf(carillon: CarillonProcess, sockets: number): Promise<SwarmProcess> {
  const targets = await Promise.all(Array.from({ length: sockets }, async (_, n) => {
    const session = await carillon.session(String(n));
    return `/socket.io/appsuite/?session=${session}&connection=c${n}`;
  }));
  return await spawnSwarm({ hostname: "127.0.0.1", port: carillon.port, revision: 4, targets });
}

async function nodeSwarm(port: number, sockets: number): Promise<SwarmProcess> {
  const targets = Array.from({ length: sockets }, () => "/socket.io/?x=1");
  return await spawnSwarm({ hostname: "127.0.0.1", port, revision: 4, targets });
}

interface Throughput {
  readonly perSecond: number;
  readonly cpuPerEvent: number;
}

/** Sends window after window, each when the one before has arrived, and measures all of them. */
async function throughput(
  { pid, swarm, send }: {
    readonly pid: number;
    readonly swarm: SwarmProcess;
    /** Sends so many events to every socket. */
    readonly send: (rounds: number) => Promise<unknown>;
  },
): Promise<Throughput> {
  const window = async () => {
    const done = swarm.received(WINDOW * SOCKETS);
    await send(WINDOW);
    return await done;
  };
  await window(); // warms up
  const cpu = await cpuSeconds(pid);
  const begun = epochMs();
  let last = begun;
  for (let sent = 0; sent < ROUNDS; sent += WINDOW) last = (await window()).lastAt;
  const events = Math.ceil(ROUNDS / WINDOW) * WINDOW * SOCKETS;
  return {
    perSecond: events / (last - begun) * 1000,
    cpuPerEvent: (await cpuSeconds(pid) - cpu) / events * 1e6,
  };
}

/** The whole pipeline: several publishers at once, batch by batch. */
async function carillonThroughput(): Promise<Throughput> {
  await using carillon = await startCarillon(AT_ONCE);
  await using swarm = await swarmOf(carillon, SOCKETS);
  let mail = 0;

  async function send(rounds: number) {
    const queue = Array.from({ length: rounds }, () => {
      const id = String(mail++);
      return Array.from({ length: Math.ceil(SOCKETS / BATCH) }, (_, part) => ({ id, part }));
    }).flat();
    const publish = async () => {
      for (let batch = queue.shift(); batch; batch = queue.shift()) {
        const { id, part } = batch;
        const users = Math.min(BATCH, SOCKETS - part * BATCH);
        await carillon.publish(Array.from({ length: users }, (_, n) => ({
          ...{ context: "1", user: String(part * BATCH + n), topic: "ox:mail:new" },
          data: { ...MAIL, id },
        })));
      }
    };
    await Promise.all(Array.from({ length: PUBLISHERS }, publish));
  }

  return await throughput({ pid: carillon.pid, swarm, send });
}

/** The yardstick: emitting from memory, one call for each socket. */
async function nodeThroughput(): Promise<Throughput> {
  await using node = await startNodePeer("socketio_node.mjs");
  await using swarm = await nodeSwarm(Number(node.greeting), SOCKETS);
  const send = (rounds: number) => node.ask(`emit ${rounds} ${JSON.stringify(MAIL)}`);
  return await throughput({ pid: node.pid, swarm, send });
}

/** After so long without work both runtimes have collected what the handshakes left behind. */
const SETTLE_MS = 35_000;

/** Resident KiB that each of many idle connections adds. */
async function idleKiB(pid: number, open: () => Promise<SwarmProcess>): Promise<number> {
  const before = await residentBytes(pid);
  await using _swarm = await open();
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return (await residentBytes(pid) - before) / IDLE / 1024;
}

async function carillonIdle(): Promise<number> {
  await using carillon = await startCarillon(AT_ONCE);
  await using _warm = await swarmOf(carillon, 100);
  return await idleKiB(carillon.pid, () => swarmOf(carillon, IDLE));
}

async function nodeIdle(): Promise<number> {
  await using node = await startNodePeer("socketio_node.mjs");
  await using _warm = await nodeSwarm(Number(node.greeting), 100);
  return await idleKiB(node.pid, () => nodeSwarm(Number(node.greeting), IDLE));
}

/** One publish after the other, a few hundred a second, to random users. */
async function latency(properties: readonly string[]): Promise<SwarmReport> {
  await using carillon = await startCarillon(properties);
  await using swarm = await swarmOf(carillon, 1000);
  await carillon.publish([{ context: "1", user: "0", topic: "ox:mail:new", data: MAIL }]);
  await swarm.received(1);
  const total = 2000;
  const done = swarm.received(total);
  const begun = performance.now();
  for (let n = 0; n < total; n++) {
    const data = { ...MAIL, id: String(n), at: epochMs() };
    await carillon.publish([{ context: "1", user: String(n % 1000), topic: "ox:mail:new", data }]);
    const ahead = begun + n * 2.5 - performance.now();
    if (ahead > 1) await new Promise((resolve) => setTimeout(resolve, ahead));
  }
  return await done;
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(44)}${cells.map((cell) => cell.padStart(16)).join("")}`);
}

/** A row with both figures and their ratio. */
function compare(what: string, digits: number, [mine, theirs]: readonly [number, number]): void {
  row(what, mine.toFixed(digits), theirs.toFixed(digits), (mine / theirs).toFixed(2));
}

console.log(`${SOCKETS} sockets, ${ROUNDS} events to each; ${IDLE} idle connections\n`);
row("", "Carillon", "Socket.IO/Node", "ratio");

async function compareThroughput(): Promise<void> {
  const mine = await carillonThroughput();
  const theirs = await nodeThroughput();
  compare("delivered events/s", 0, [mine.perSecond, theirs.perSecond]);
  compare("server CPU per event (µs)", 1, [mine.cpuPerEvent, theirs.cpuPerEvent]);
}

async function compareIdle(): Promise<void> {
  compare("idle KiB per connection", 1, [await carillonIdle(), await nodeIdle()]);
}

async function showLatency(): Promise<void> {
  const now = await latency(AT_ONCE);
  row("publish to arrival, delay 0 (ms)", `p50 ${now.p50.toFixed(1)}`, `p99 ${now.p99.toFixed(1)}`);
  const late = await latency(COMMON);
  row(
    "publish to arrival, default delay (ms)",
    `p50 ${late.p50.toFixed(0)}`,
    `p99 ${late.p99.toFixed(0)}`,
  );
}

const parts = { throughput: compareThroughput, idle: compareIdle, latency: showLatency };
for (const [name, part] of Object.entries(parts)) {
  if (values.only === undefined || values.only === name) await part();
}
Deno.exit(0);
