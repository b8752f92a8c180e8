// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task bench:providers`: measures Carillon's transports beside other libraries and beside the
 * runtime's floor, in one run against the same servers, which are separate processes and whose CPU
 * is shown. Each figure is the median of several alternating rounds, so that other load on the
 * machine affects all alike. Compare ratios; absolute numbers depend on the machine. Options:
 * `--rounds`, `--seconds` (per round), `--only apns|floor|service|outage|fcm|webpush|hanging`.
 * Needs Node.js 20 with npm.
 */

import { parseArgs } from "node:util";
import { latencyOfHealthy } from "./support/bystander.ts";
import { startDenoServer } from "./support/deno_server.ts";
import {
  hasH2load,
  type Measured,
  runDeno,
  runH2load,
  runNode,
} from "./support/measured_clients.ts";
import { startPushPeer } from "./support/push_peer_process.ts";
import { measureOutage, measureServicePushes, type Waits } from "./support/service_pushes.ts";
import { startSimulatorProcess } from "./support/simulator_process.ts";
import { totalOf } from "./support/threads.ts";

/** One row of a table; the last row is what the others are compared with. */
type Rows = Readonly<Record<string, () => Promise<Measured>>>;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "3" },
    only: { type: "string" },
  },
});
const ROUNDS = Number(values.rounds);
const SECONDS = Number(values.seconds);
const LOAD = { warmUpMs: 1000, measureMs: SECONDS * 1000 };
/** What APNs, and so the test server, allows on the one connection that node-apn has. */
const APNS_STREAMS = 1000;
const FETCH_IN_FLIGHT = 480;
const WEB_PUSHES_AT_ONCE = 80;
const BUILDS_AT_ONCE = 16;

console.log(`Medians of ${ROUNDS} rounds in turns, ${SECONDS} s each\n`);
const simulator = await startSimulatorProcess();
const pairFile = `${simulator.folder}/far_side.json`;
const { certificate: cert, privateKey: key } = simulator.material.server;
await Deno.writeTextFile(pairFile, JSON.stringify({ cert, key }));
const peer = await startPushPeer(pairFile);

const TABLES: Readonly<Record<string, () => Promise<void>>> = {
  floor: () => table("POSTs in the format of APNs, HTTP client only", floorRows()),
  async apns() {
    for (const latencyMs of [0, 50]) {
      await peer.setLatency(latencyMs);
      await table(`APNs at ${latencyMs} ms, whole transport`, apnsRows(latencyMs));
    }
    await peer.setLatency(0);
  },
  service: () =>
    table("From publish to APNs' 200: whole service, batches, data file", serviceRows()),
  outage: compareOutage,
  fcm: () => table("FCM v1, whole transport", fcmRows()),
  webpush: compareWebPush,
  hanging: compareBystander,
};
try {
  for (const [name, run] of Object.entries(TABLES)) {
    if (values.only === undefined || values.only === name) await run();
  }
} finally {
  await peer[Symbol.asyncDispose]();
  await simulator[Symbol.asyncDispose]();
}
Deno.exit(0);

/** Measures the runtime's `fetch` with nothing around it. */
function bare(connections: number, inFlight: number, more = {}): Rows[string] {
  return () =>
    runDeno("bare_fetch.ts", {
      load: { ...LOAD, connections, inFlight },
      ...{ address: peer.origins.apns, folder: simulator.folder, ...more },
    });
}

function floorRows(): Rows {
  const address = peer.origins.apns;
  const http2 = (run: typeof runDeno) => () =>
    run("../peers/bare_http2.mjs", {
      load: { ...LOAD, connections: 4, inFlight: 400 },
      ...{ address, folder: simulator.folder },
    });
  return {
    "fetch, 12 × 40, cancelled, timer each": bare(12, 480, { cancels: true, timers: true }),
    "fetch, 12 × 40, cancelled": bare(12, 480, { cancels: true }),
    "fetch, 12 × 40, body read": bare(12, 480),
    "fetch, 4 × 40, body read": bare(4, 160),
    "node:http2 on Deno, 4 × 100": http2(runDeno),
    "node:http2 on Node.js, 4 × 100": http2((_, settings) => runNode("bare_http2.mjs", settings)),
    ...(hasH2load() && { "h2load (C), 4 × 100": () => runH2load(address) }),
    "Carillon's engine alone, 1000": () =>
      runDeno("bare_engine.ts", {
        load: { ...LOAD, inFlight: APNS_STREAMS },
        ...{ address, folder: simulator.folder },
      }),
  };
}

/** The bare `fetch` has as many connections as Carillon's engine opens at that latency. */
function apnsRows(latencyMs: number): Rows {
  const connections = latencyMs === 0 ? 4 : 12;
  const { folder, material: { apns } } = simulator;
  const settings = (load: unknown) => ({ load, address: peer.origins.apns, folder, apns });
  return {
    "fetch alone, nothing around it": bare(connections, connections * 40, { cancels: true }),
    "Carillon, fetch": () =>
      runDeno("apn_sender.ts", settings({ ...LOAD, engine: "fetch", inFlight: FETCH_IN_FLIGHT })),
    "Carillon, http2": () =>
      runDeno("apn_sender.ts", settings({ ...LOAD, engine: "http2", inFlight: APNS_STREAMS })),
    "@parse/node-apn": () => runNode("node_apn.mjs", settings({ ...LOAD, inFlight: APNS_STREAMS })),
  };
}

function serviceRows(): Rows {
  const { folder, material: { apns } } = simulator;
  const whole = (engine: string) => async () => {
    const { perSecond, repeated, ...times } = await measureServicePushes(peer, {
      ...{ engine, seconds: SECONDS, folder, apns },
    });
    return { perSecond, cpuMicroseconds: totalOf(times), failed: repeated };
  };
  return {
    "whole service, fetch": whole("fetch"),
    "whole service, http2": whole("http2"),
    "transport alone, fetch": apnsRows(0)["Carillon, fetch"]!,
    "transport alone, http2": apnsRows(0)["Carillon, http2"]!,
  };
}

function fcmRows(): Rows {
  const { folder, addresses } = simulator;
  const common = { address: peer.origins.fcm, folder, tokenAddress: addresses.googleToken };
  const ours = (engine: string, inFlight: number) => () =>
    runDeno("fcm_sender.ts", { load: { ...LOAD, engine, inFlight }, ...common });
  return {
    "Carillon, fetch": ours("fetch", FETCH_IN_FLIGHT),
    "Carillon, http2": ours("http2", APNS_STREAMS),
    "firebase-admin, sendEach": () => runNode("firebase_admin.mjs", { load: LOAD, ...common }),
  };
}

async function compareWebPush(): Promise<void> {
  await using far = await startDenoServer("web_push_peer.ts", {
    env: { PUSH_PEER_PAIR: pairFile },
  });
  const { material, folder } = simulator;
  const settings = (load: Record<string, unknown>) => ({
    load: { ...LOAD, ...load },
    subscription: {
      endpoint: `https://localhost:${far.greeting}/push/bench`,
      keys: { p256dh: material.browser.publicKey, auth: material.browser.auth },
    },
    vapid: material.vapid,
    payload: "Let us meet. ".repeat(32),
    cafile: `${folder}/ca.pem`,
  });
  const rows = (load: Record<string, unknown>): Rows => ({
    "Carillon": () => runDeno("web_push_builder.ts", settings(load)),
    "npm web-push": () => runNode("web_push_node.mjs", settings(load)),
  });
  await table("Web Push, built and not sent", rows({ inFlight: BUILDS_AT_ONCE }));
  await table("Web Push, built and sent", rows({ inFlight: WEB_PUSHES_AT_ONCE, sends: true }));
}

async function compareBystander(): Promise<void> {
  console.log("Publish to APNs' 200, through the service, a few at a time");
  const rounds = { "while FCM answers": false, "while FCM hangs": true };
  const measured = Object.entries(rounds).map(([name, hanging]) => ({
    ...{ name, hanging, p50: [] as number[], p99: [] as number[] },
  }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { hanging, p50, p99 } of measured) {
      const latencies = await latencyOfHealthy(simulator, { hanging });
      p50.push(latencies.p50);
      p99.push(latencies.p99);
    }
  }
  for (const { name, p50, p99 } of measured) {
    console.log(`  ${name.padEnd(18)} p50 ${middle(p50)} ms, p99 ${middle(p99)} ms`);
  }
}

async function compareOutage(): Promise<void> {
  const { folder, material: { apns } } = simulator;
  const pushes = 100_000;
  const settings = { engine: "http2", folder, apns, pushes };
  const { during, after, perSecond, repeated } = await measureOutage(peer, settings);
  const say = ({ p50, p99, max }: Waits) =>
    `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, at most ${max.toFixed(0)} ms`;
  console.log(`${pushes} pushes fail at once; latency of /livez`);
  console.log(`  while they are published  ${say(during)}`);
  console.log(`  in the ten seconds after  ${say(after)}`);
  console.log(
    `  and once APNs is back     ${perSecond.toFixed(0)} pushes/s, ${repeated} repeated\n`,
  );
}

/** Measures all rows in alternating rounds and prints their medians. */
async function table(title: string, rows: Rows): Promise<void> {
  const names = Object.keys(rows);
  const rounds = new Map(
    names.map((name) => [name, [] as (Measured & { readonly far: number })[]]),
  );
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) rounds.get(name)!.push(await withFarSide(rows[name]!));
  }
  console.log(title);
  const medians = names.map((name) => ({ name, ...median(rounds.get(name)!) }));
  const yardstick = medians.at(-1)!;
  for (const row of medians) {
    const { name, perSecond, cpuMicroseconds, p50, p99, failed = 0, far } = row;
    console.log(
      `  ${name.padEnd(38)} ${perSecond.toFixed(0).padStart(6)}/s` +
        (cpuMicroseconds === undefined
          ? ""
          : `  ${(cpuMicroseconds / 10).toFixed(1).padStart(5)} CPU s per 100,000`) +
        (p50 === undefined || p99 === undefined
          ? ""
          : `  p50 ${p50.toFixed(1)}  p99 ${p99.toFixed(1)} ms`) +
        `  server ${(far * 100).toFixed(0)} % of a core` +
        (failed > 0 ? `  ${failed} failed` : "") +
        (row === yardstick ? "" : `  (${ratio(perSecond, yardstick.perSecond)} × as many, ` +
          `${ratio(cpuMicroseconds, yardstick.cpuMicroseconds)} × the CPU)`),
    );
  }
  console.log();
}

/** Returns the share of a core that the server of APNs and FCM used meanwhile. */
async function withFarSide(run: () => Promise<Measured>) {
  const [cpu, begun] = [await peer.cpu(), performance.now()];
  const measured = await run();
  const far = (await peer.cpu() - cpu) / ((performance.now() - begun) / 1000);
  return { ...measured, far };
}

function median<T extends Measured>(measured: readonly T[]): T {
  return measured.toSorted((a, b) => a.perSecond - b.perSecond)[measured.length >> 1]!;
}

function middle(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
}

function ratio(a = NaN, b = NaN): string {
  return Number.isFinite(a / b) ? (a / b).toFixed(2) : "–";
}
