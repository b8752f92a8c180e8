// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task bench:providers`: Carillon's ways out beside those of others, in one run against the
 * same fakes, which are a process of their own. Each figure is the median of several rounds, taken
 * in turns, so that whatever else the machine does meets both alike. Ratios count, absolute numbers
 * are the machine's. Needs Node.js 20 with npm for the peers.
 */

import { type Latencies, latencyOfHealthy } from "./support/bystander.ts";
import { startNodePeer } from "./support/node_peer.ts";
import { type SimulatorProcess, startSimulatorProcess } from "./support/simulator_process.ts";

/** What a closed loop measured; see `support/closed_loop.mjs`. */
interface Measured {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
}

const ROUNDS = 3;
const LOAD = { warmUpMs: 1000, measureMs: 3000 };
/** What APNs, and so the fake, allows on the one connection that node-apn has. */
const PEER_IN_FLIGHT = 1000;
const BUILDS_AT_ONCE = 16;

console.log(`Medians of ${ROUNDS} rounds in turns, ${LOAD.measureMs / 1000} s each\n`);
await using simulator = await startSimulatorProcess();
for (const latencyMs of [0, 50]) await compareApns(simulator, latencyMs);
await compareWebPush(simulator);
await compareBystander(simulator);

async function compareApns(simulator: SimulatorProcess, latencyMs: number): Promise<void> {
  await simulator.setLatency(latencyMs);
  const { addresses: { apns: address }, folder, material: { apns } } = simulator;
  const { ours, peer } = await inTurns({
    ours: () => runDeno("apn_sender.ts", { load: LOAD, address, folder, apns }),
    peer: () => {
      const load = { ...LOAD, inFlight: PEER_IN_FLIGHT };
      return runNode("node_apn.mjs", { load, address, folder, apns });
    },
  });
  await simulator.setLatency(0);
  console.log(`APNs at ${latencyMs} ms`);
  table({ "Carillon": ours, "@parse/node-apn": peer });
}

async function compareWebPush(simulator: SimulatorProcess): Promise<void> {
  const settings = {
    load: { ...LOAD, inFlight: BUILDS_AT_ONCE },
    subscription: {
      endpoint: `${simulator.addresses.webpush}/push/bench`,
      keys: { p256dh: simulator.material.browser.publicKey, auth: simulator.material.browser.auth },
    },
    vapid: simulator.material.vapid,
    payload: "Let us meet. ".repeat(32),
  };
  const { ours, peer } = await inTurns({
    ours: () => runDeno("web_push_builder.ts", settings),
    peer: () => runNode("web_push_node.mjs", settings),
  });
  console.log("Web Push, built and not sent");
  table({ "Carillon": ours, "npm web-push": peer });
}

async function compareBystander(simulator: SimulatorProcess): Promise<void> {
  const alone = await latencyOfHealthy(simulator, { hanging: false });
  const beside = await latencyOfHealthy(simulator, { hanging: true });
  const show = ({ p50, p99 }: Latencies) => `p50 ${p50} ms, p99 ${p99} ms`;
  console.log("Publish to APNs' yes, through the service");
  console.log(`  while FCM answers  ${show(alone)}`);
  console.log(`  while FCM hangs    ${show(beside)}`);
}

/** The median rounds of two, by pushes a second. */
async function inTurns(
  { ours, peer }: {
    readonly ours: () => Promise<Measured>;
    readonly peer: () => Promise<Measured>;
  },
): Promise<{ readonly ours: Measured; readonly peer: Measured }> {
  const rounds: { readonly ours: Measured; readonly peer: Measured }[] = [];
  while (rounds.length < ROUNDS) rounds.push({ ours: await ours(), peer: await peer() });
  return {
    ours: median(rounds.map(({ ours }) => ours)),
    peer: median(rounds.map(({ peer }) => peer)),
  };
}

function median(measured: readonly Measured[]): Measured {
  const sorted = measured.toSorted((a, b) => a.perSecond - b.perSecond);
  return sorted[sorted.length >> 1]!;
}

async function runDeno(script: string, settings: unknown): Promise<Measured> {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", new URL(`./support/${script}`, import.meta.url).pathname]
      .concat(JSON.stringify(settings)),
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new Error(`${script} failed`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

async function runNode(script: string, settings: unknown): Promise<Measured> {
  await using peer = await startNodePeer(script, [JSON.stringify(settings)]);
  return JSON.parse(peer.greeting);
}

function table(rows: Readonly<Record<string, Measured>>): void {
  for (const [name, { perSecond, cpuMicroseconds, p50, p99, failed }] of Object.entries(rows)) {
    console.log(
      `  ${name.padEnd(16)} ${perSecond.toFixed(0).padStart(6)}/s` +
        `  ${(cpuMicroseconds / 10).toFixed(1).padStart(5)} CPU s per 100,000` +
        `  p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms` +
        (failed > 0 ? `  ${failed} failed` : ""),
    );
  }
  const [ours, peer] = Object.values(rows) as [Measured, Measured];
  const speed = (ours.perSecond / peer.perSecond).toFixed(2);
  const cost = (ours.cpuMicroseconds / peer.cpuMicroseconds).toFixed(2);
  console.log(`  ratio            ${speed} × as many, at ${cost} × the CPU\n`);
}
