// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures several nodes: events delivered per second and CPU per event for one node on its data
 * file, one on Redis and two on Redis, beside two nodes of Socket.IO on Node.js with its Redis
 * streams adapter; the latency from publish to arrival at the node that accepted the publish and at
 * the other; and the share of events that reaches stock clients that lose their connections while a
 * node is killed. Options: `--sockets`, `--rounds`, `--seconds` and `--clients` (of the last part),
 * `--seed`, `--only throughput|latency|drops`.
 */

import { parseArgs } from "node:util";
import { runDrops } from "./support/drops.ts";
import { cpuSeconds } from "./support/proc.ts";
import { type Site, startCarillonSite, startSocketIoSite } from "./support/sites.ts";
import { spawnSwarm, type SwarmProcess } from "./support/swarm_process.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    sockets: { type: "string", default: "2000" },
    rounds: { type: "string", default: "40" },
    seconds: { type: "string", default: "30" },
    clients: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const SOCKETS = Number(values.sockets);
const ROUNDS = Number(values.rounds);
/** Concurrent events for each socket: enough to keep every stage busy. */
const WINDOW = 5;
const BATCH = 1000;
const PUBLISHERS = 4;
const LATENCY = { users: 500, events: 1500, everyMs: 5 };

const MAIL = {
  ...{ folder: "default0/INBOX", id: "113", email: "jane.doe@foobar.com" },
  ...{ displayname: "Jane Doe", subject: "Let's meet", unread: 83, teaser: "Hello" },
};
const PROPERTIES = [
  "com.openexchange.pns.delayDuration=0",
  "io.carillon.websocket.handshakesPerSecond=1000000",
  "io.carillon.buffer.maxNotifications=1000000",
];

const SITES: Readonly<Record<string, () => Promise<Site>>> = {
  "one node, data file": () =>
    startCarillonSite({ nodes: 1, redis: false, properties: PROPERTIES }),
  "one node, Redis": () => startCarillonSite({ nodes: 1, redis: true, properties: PROPERTIES }),
  "two nodes, Redis": () => startCarillonSite({ nodes: 2, redis: true, properties: PROPERTIES }),
  "Socket.IO, two nodes, Redis": () => startSocketIoSite(2),
};

/** Opens the users' sockets, each at the node of its number. */
async function swarmsOf(site: Site, users: number): Promise<readonly SwarmProcess[]> {
  return await Promise.all(site.ports.map(async (port, node) => {
    const mine = Array.from({ length: users }, (_, user) => user)
      .filter((user) => user % site.ports.length === node);
    const targets = await Promise.all(mine.map((user) => site.target(String(user))));
    return await spawnSwarm({ hostname: "127.0.0.1", port, revision: 4, targets });
  }));
}

async function closeAll(swarms: readonly SwarmProcess[]): Promise<void> {
  await Promise.all(swarms.map((swarm) => swarm[Symbol.asyncDispose]()));
}

async function cpuOf(pids: readonly number[]): Promise<number> {
  const each = await Promise.all(pids.map(cpuSeconds));
  return each.reduce((sum, seconds) => sum + seconds, 0);
}

/**
 * Sends window after window, each when the previous one has arrived; batches go to the nodes in
 * turn.
 */
async function throughput(site: Site) {
  const swarms = await swarmsOf(site, SOCKETS);
  let mail = 0;

  async function send(): Promise<void> {
    const queue = Array.from({ length: WINDOW }, () => {
      const id = String(mail++);
      return Array.from({ length: Math.ceil(SOCKETS / BATCH) }, (_, part) => ({ id, part }));
    }).flat().map((batch, yieldToEventLoop) => ({
      ...batch,
      node: yieldToEventLoop % site.ports.length,
    }));
    await Promise.all(Array.from({ length: PUBLISHERS }, async () => {
      for (let batch = queue.shift(); batch; batch = queue.shift()) {
        const { id, part, node } = batch;
        const length = Math.min(BATCH, SOCKETS - part * BATCH);
        await site.send(
          node,
          Array.from({ length }, (_, n) => ({
            user: String(part * BATCH + n),
            data: { ...MAIL, id },
          })),
        );
      }
    }));
  }

  async function window(): Promise<number> {
    const done = swarms.map((swarm) => swarm.received(WINDOW * SOCKETS / swarms.length));
    await send();
    return Math.max(...(await Promise.all(done)).map(({ lastAt }) => lastAt));
  }

  await window(); // warms up
  const load = [Deno.pid, ...swarms.map(({ pid }) => pid)];
  const redis = site.redisPid === undefined ? [] : [site.redisPid];
  const parts = [site.pids, redis, load];
  const before = await Promise.all(parts.map(cpuOf));
  const begun = epochMs();
  let last = begun;
  const windows = Math.ceil(ROUNDS / WINDOW);
  for (let n = 0; n < windows; n++) last = await window();
  const events = windows * WINDOW * SOCKETS;
  const after = await Promise.all(parts.map(cpuOf));
  const [nodes, server, loadCpu] = after.map((seconds, at) => seconds - before[at]!);
  await closeAll(swarms);
  return {
    perSecond: events / (last - begun) * 1000,
    nodesPerEvent: nodes! / events * 1e6,
    redisPerEvent: server! / events * 1e6,
    loadShare: loadCpu! / (nodes! + server! + loadCpu!),
  };
}

/**
 * Publishes one after the other through the first node; returns the report of each node's swarm.
 */
async function latency(site: Site) {
  const { users, events, everyMs } = LATENCY;
  const swarms = await swarmsOf(site, users);
  const share = events / swarms.length;
  for (let user = 0; user < swarms.length; user++) {
    await site.send(0, [{ user: String(user), data: MAIL }]);
  }
  await Promise.all(swarms.map((swarm) => swarm.received(1)));
  const done = swarms.map((swarm) => swarm.received(share));
  const begun = performance.now();
  for (let n = 0; n < events; n++) {
    await site.send(0, [{
      user: String(n % users),
      data: { ...MAIL, id: String(n), at: epochMs() },
    }]);
    const ahead = begun + n * everyMs - performance.now();
    if (ahead > 1) await new Promise((resolve) => setTimeout(resolve, ahead));
  }
  const reports = await Promise.all(done);
  await closeAll(swarms);
  return reports;
}

function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(30)}${cells.map((cell) => cell.padStart(18)).join("")}`);
}

async function showThroughput(): Promise<void> {
  console.log(`\n${SOCKETS} sockets, ${ROUNDS} events to each, published in batches of ${BATCH}`);
  row("", "events/s", "CPU per event", "of it Redis", "load generator");
  for (const [name, start] of Object.entries(SITES)) {
    await using site = await start();
    const { perSecond, nodesPerEvent, redisPerEvent, loadShare } = await throughput(site);
    const cpu = [nodesPerEvent + redisPerEvent, redisPerEvent].map((us) => `${us.toFixed(1)} µs`);
    row(name, perSecond.toFixed(0), ...cpu, percent(loadShare));
  }
  console.log("Load generator: its share of all CPU time that was used");
}

async function showLatency(): Promise<void> {
  console.log(`\nPublish to arrival, ${1000 / LATENCY.everyMs} single publishes a second, delay 0`);
  row("", "p50", "p99", "other node p50", "other node p99");
  for (const [name, start] of Object.entries(SITES)) {
    await using site = await start();
    const cells = (await latency(site)).flatMap(({ p50, p99 }) => [p50, p99]);
    row(name, ...cells.map((ms) => `${ms.toFixed(1)} ms`));
  }
}

async function showDrops(): Promise<void> {
  const options = {
    ...{ seed: Number(values.seed), seconds: Number(values.seconds), rate: 100 },
    clients: Number(values.clients),
  };
  const { seed, seconds, clients, rate } = options;
  console.log(
    `\n${clients} stock clients (4.8) dropped by seed ${seed}, ${rate} events a second for ` +
      `${seconds} s, one node of two killed`,
  );
  row("", "sent", "arrived", "share", "twice", "returns", "recovered");
  for (const name of ["two nodes, Redis", "Socket.IO, two nodes, Redis"]) {
    await using site = await SITES[name]!();
    const { sent, arrived, duplicates, returns, recovered } = await runDrops(site, options);
    const share = `${(arrived / sent * 100).toFixed(2)} %`;
    row(name, ...[sent, arrived, share, duplicates, returns, recovered].map(String));
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

const parts = { throughput: showThroughput, latency: showLatency, drops: showDrops };
for (const [name, part] of Object.entries(parts)) {
  if (values.only === undefined || values.only === name) await part();
}
Deno.exit(0);
