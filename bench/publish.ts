// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures publishes of one request each, over 50 kept-alive connections: a bare handler that
 * checks the key, parses and answers; the service without sockets, and with 1,000 sockets that
 * receive the events; and nchan, which keeps its messages in memory. Medians of several alternating
 * rounds, by `wrk`. Options: `--seconds` (per round), `--rounds`.
 */

import { parseArgs } from "node:util";
import { startCarillon } from "./support/carillon_process.ts";
import { startDenoServer } from "./support/deno_server.ts";
import { startNchan } from "./support/nchan.ts";
import { AT_ONCE, openSockets } from "./support/senders.ts";
import { spawnSwarm, type SwarmProcess } from "./support/swarm_process.ts";
import { threadTimes, timesPer, totalOf } from "./support/threads.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
  },
});
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);
const SOCKETS = 1000;
const CONNECTIONS = 50;
const KEY = "benchmark-admin-key";
const SCRIPT = new URL("./support/publish.lua", import.meta.url).pathname;

/** A server that accepts publishes. */
interface Publishable {
  readonly pid: number;
  readonly port: number;
  readonly path: string;
  /** The sockets that receive the events. */
  readonly swarm?: SwarmProcess;
}

interface Result {
  readonly perSecond: number;
  readonly cpu: number;
  readonly p99: number;
  /** Events received per publish; NaN without sockets. */
  readonly delivered: number;
}

const CASES: Readonly<Record<string, () => Promise<Result | undefined>>> = {
  async "bare Deno.serve handler"() {
    await using server = await startDenoServer("bare_handler.ts", { env: { PUBLISH_KEY: KEY } });
    return await load({ pid: server.pid, port: Number(server.greeting), path: "/" });
  },
  async "Carillon, no sockets"() {
    await using carillon = await startCarillon(AT_ONCE);
    return await load({ pid: carillon.pid, port: carillon.port, path: "/v1/notifications" });
  },
  async "Carillon, 1,000 sockets"() {
    await using carillon = await startCarillon(AT_ONCE);
    await using swarm = await openSockets(carillon, SOCKETS);
    return await load({ pid: carillon.pid, port: carillon.port, path: "/v1/notifications", swarm });
  },
  async "nchan, 1,000 sockets"() {
    await using nchan = await startNchan();
    if (!nchan) return undefined;
    const { pid, port } = nchan;
    const targets = Array.from({ length: SOCKETS }, (_, user) => `/subscribe/${user}?x=1`);
    const where = { hostname: "127.0.0.1", port } as const;
    await using swarm = await spawnSwarm({ ...where, revision: "none", targets });
    return await load({ pid, port, path: "/publish/USER", swarm });
  },
};

async function load(target: Publishable): Promise<Result> {
  await wrk(target, 2); // warms up
  await target.swarm?.report();
  const before = await threadTimes(target.pid);
  const { requests, seconds, p99 } = await wrk(target, SECONDS);
  const cpu = totalOf(timesPer(requests, { from: before, to: await threadTimes(target.pid) }));
  const arrived = await target.swarm?.report();
  const delivered = arrived ? arrived.received / requests : NaN;
  return { perSecond: requests / seconds, cpu, p99, delivered };
}

async function wrk({ port, path }: Publishable, seconds: number) {
  const { stdout } = await new Deno.Command("wrk", {
    args: ["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--latency", "-s", SCRIPT]
      .concat(`http://127.0.0.1:${port}`),
    env: { PUBLISH_PATH: path, PUBLISH_KEY: KEY },
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (/Non-2xx/.test(text)) throw new Error(`Not all publishes were accepted:\n${text}`);
  const [, requests, took, unit] = /(\d+) requests in ([\d.]+)(m?s)/.exec(text)!;
  const [, p99, ofP99] = /99%\s+([\d.]+)(us|ms|s)/.exec(text)!;
  return {
    requests: Number(requests),
    seconds: Number(took) / (unit === "ms" ? 1000 : 1),
    p99: Number(p99) * { us: 0.001, ms: 1, s: 1000 }[ofP99 as "us" | "ms" | "s"],
  };
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(32)}${cells.map((cell) => cell.padStart(14)).join("")}`);
}

const found = new Map<string, Result[]>();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of Object.entries(CASES)) {
    const result = await run();
    if (result) found.set(name, [...found.get(name) ?? [], result]);
  }
}
console.log(`\n${CONNECTIONS} connections, ${SECONDS} s a round, medians of ${ROUNDS} rounds`);
row("", "publishes/s", "µs of CPU", "p99 ms", "delivered", "of the bare");
const bare = medianOf(found.get("bare Deno.serve handler")!, "perSecond");
for (const name of Object.keys(CASES)) {
  const results = found.get(name);
  if (!results) {
    row(name, "skipped: nginx or its module is missing");
    continue;
  }
  const of = (field: keyof Result) => medianOf(results, field);
  const delivered = of("delivered");
  const share = Number.isNaN(delivered) ? "" : `${(delivered * 100).toFixed(0)} %`;
  const perSecond = of("perSecond");
  const cells = [of("cpu").toFixed(0), of("p99").toFixed(1), share, (perSecond / bare).toFixed(2)];
  row(name, perSecond.toFixed(0), ...cells);
}
Deno.exit(0);

function medianOf(results: readonly Result[], field: keyof Result): number {
  return results.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(results.length / 2)]!;
}
