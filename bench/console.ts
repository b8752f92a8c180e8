// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures what the console costs. First the fan-out with ten viewers of the live stream beside the
 * same process without them, in turns: events delivered per second and CPU per event. Then the CPU
 * of an idle service with and without them. Then lists of notifications on a data file with ten
 * million records: the first page, pages by cursor, filters that match little or nothing, and how
 * long other requests wait meanwhile. Options: `--sockets`, `--seconds` (per round), `--rounds`,
 * `--viewers`, `--records`, `--file` (is filled where it does not exist, and kept),
 * `--only viewers|idle|lists`.
 */

import { parseArgs } from "node:util";
import { firstIdAt } from "../core/ids.ts";
import { exists } from "../tests/support/exists.ts";
import { type CarillonProcess, startCarillon } from "./support/carillon_process.ts";
import { openViewers } from "./support/console_viewers.ts";
import { fillLedger } from "./support/ledger_file.ts";
import { cpuSeconds } from "./support/proc.ts";
import { COMMON, type Sender, startServiceSender } from "./support/senders.ts";
import { threadTimes, timesPer, totalOf } from "./support/threads.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    sockets: { type: "string", default: "4000" },
    seconds: { type: "string", default: "6" },
    rounds: { type: "string", default: "7" },
    viewers: { type: "string", default: "10" },
    records: { type: "string", default: "10000000" },
    file: { type: "string" },
    only: { type: "string" },
  },
});
const SOCKETS = Number(values.sockets);
const SECONDS = Number(values.seconds);
const ROUNDS = Number(values.rounds);
const VIEWERS = Number(values.viewers);
const RECORDS = Number(values.records);
/** Concurrent events for each socket: enough to keep every stage busy. */
const WINDOW = 5;
const IDLE_SECONDS = 20;
/** One of ten records has a value of its own: the newest. */
const SINGLES = RECORDS / 10;
const PER_MS = 1;

interface Load {
  readonly perSecond: number;
  /** Microseconds of CPU per event. */
  readonly cpu: number;
}

async function loadOf({ pid, swarm, send }: Sender): Promise<Load> {
  const before = await threadTimes(pid);
  const begun = performance.now();
  let events = 0;
  for (; performance.now() - begun < SECONDS * 1000; events += WINDOW * SOCKETS) {
    const done = swarm.received(WINDOW * SOCKETS);
    await send(WINDOW);
    await done;
  }
  const seconds = (performance.now() - begun) / 1000;
  const times = timesPer(events, { from: before, to: await threadTimes(pid) });
  return { perSecond: events / seconds, cpu: totalOf(times) };
}

async function showViewers(): Promise<void> {
  await using sender = await startServiceSender(SOCKETS);
  await loadOf(sender); // warms up
  const without: Load[] = [];
  const watched: Load[] = [];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const both = [
      async () => void without.push(await loadOf(sender)),
      async () => {
        const viewers = await openViewers(sender.service, VIEWERS);
        watched.push(await loadOf(sender));
        bytes = viewers.bytesPerEvent();
        await viewers.close();
      },
    ];
    // Whichever is first in a round has the machine a moment earlier.
    for (const one of round % 2 === 0 ? both : both.reverse()) await one();
  }
  console.log(`\n${SOCKETS} sockets, ${ROUNDS} rounds of ${SECONDS} s in turns, medians`);
  row("", "events/s", "CPU µs/event");
  const [alone, seen] = [medianOf(without), medianOf(watched)];
  row("nobody looks", alone.perSecond.toFixed(0), alone.cpu.toFixed(2));
  row(`${VIEWERS} viewers`, seen.perSecond.toFixed(0), seen.cpu.toFixed(2));
  const percent = (of: keyof Load) => `${((seen[of] / alone[of] - 1) * 100).toFixed(1)} %`;
  row("difference", percent("perSecond"), percent("cpu"));
  row("KiB of one reading", (bytes / 1024).toFixed(1));
}

/** Measures the CPU of readings alone, which is too small to be seen beside a load. */
async function showIdle(): Promise<void> {
  await using service = await startCarillon(COMMON);
  const used = async () => {
    const before = await cpuSeconds(service.pid);
    await new Promise((resolve) => setTimeout(resolve, IDLE_SECONDS * 1000));
    return (await cpuSeconds(service.pid) - before) / IDLE_SECONDS;
  };
  const warm = await openViewers(service, VIEWERS);
  await warm.read(3);
  await warm.close();
  const alone = await used();
  const viewers = await openViewers(service, VIEWERS);
  const seen = await used();
  await viewers.close();
  console.log(`\nCPU of an idle service, ms a second`);
  row("nobody looks", (alone * 1000).toFixed(1));
  row(`${VIEWERS} viewers`, (seen * 1000).toFixed(1));
}

function medianOf(all: readonly Load[]): Load {
  const of = (field: keyof Load) =>
    all.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  return { perSecond: of("perSecond"), cpu: of("cpu") };
}

async function showLists(): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bench_console_" });
  try {
    const file = values.file ?? `${folder}/data.kv`;
    const begun = performance.now();
    if (!await exists(file)) {
      await fillLedger(file, { records: RECORDS, singles: SINGLES, perMs: PER_MS });
    }
    console.log(`\n${RECORDS} records, filled in ${seconds(begun)} s`);
    const opened = performance.now();
    await using service = await startCarillon(COMMON, { store: `kv:${file}` });
    console.log(`seconds until the service is ready: ${seconds(opened)}`);
    await measureLists(service);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

interface Page {
  readonly items: readonly { readonly id: string; readonly acceptedAt: string }[];
  readonly next?: string;
  readonly searched: number;
  readonly stopped?: boolean;
}

const RUNS = 9;

async function measureLists(service: CarillonProcess): Promise<void> {
  const { body: newest } = await list(service, "limit=1");
  const last = Date.parse(newest.items[0]!.acceptedAt);
  const cursorAt = (share: number) => firstIdAt(last - share * RECORDS / PER_MS);
  row("", "ms, median", "ms, max", "read", "found", "stopped", "others wait ms");
  const cases = {
    "first page of 50": "limit=50",
    "page of 50 behind 1 % of them": `limit=50&cursor=${cursorAt(0.01)}`,
    "page of 50 behind half of them": `limit=50&cursor=${cursorAt(0.5)}`,
    "page of 1,000": "limit=1000",
    "page of 1,000 behind half of them": `limit=1000&cursor=${cursorAt(0.5)}`,
    "one user of 10,000": "limit=50&context=7&user=7",
    "one user, behind half of them": `limit=50&context=7&user=7&cursor=${cursorAt(0.5)}`,
    "a user who does not exist": "limit=50&context=7&user=nobody",
    "a state that none has": "limit=50&state=expired",
    "a state, behind half of them": `limit=50&state=expired&cursor=${cursorAt(0.5)}`,
  };
  for (const [name, query] of Object.entries(cases)) await measureList(service, { name, query });
  // The pages of a search that finds nothing go on from where the last one stopped.
  let query = "limit=50&state=expired";
  const begun = performance.now();
  let pages = 0;
  for (; pages < 10; pages++) {
    const { body } = await list(service, query);
    query = `limit=50&state=expired&cursor=${body.next}`;
  }
  row("ten such pages, one after the other", ((performance.now() - begun) / pages).toFixed(1));
}

async function measureList(
  service: CarillonProcess,
  { name, query }: { readonly name: string; readonly query: string },
): Promise<void> {
  const times: number[] = [];
  let page: Page | undefined;
  const others = startOthers(service);
  for (let run = 0; run < RUNS; run++) {
    const { ms, body } = await list(service, query);
    times.push(ms);
    page = body;
  }
  const waited = await others.stop();
  times.sort((a, b) => a - b);
  const { searched, items, stopped = false } = page!;
  row(
    name,
    times[Math.floor(RUNS / 2)]!.toFixed(1),
    times.at(-1)!.toFixed(1),
    ...[String(searched), String(items.length), stopped ? "yes" : "no", waited.toFixed(1)],
  );
}

async function list({ port, adminKey }: CarillonProcess, query: string) {
  const begun = performance.now();
  const response = await fetch(`http://127.0.0.1:${port}/v1/notifications?${query}`, {
    headers: { authorization: `Bearer ${adminKey}` },
  });
  const body: Page = await response.json();
  if (response.status !== 200) throw new Error(`Cannot list: ${JSON.stringify(body)}`);
  return { body, ms: performance.now() - begun };
}

/** Asks something cheap again and again; `stop` returns the longest time that it took. */
function startOthers({ port }: CarillonProcess) {
  let running = true;
  let longest = 0;
  const done = (async () => {
    while (running) {
      const begun = performance.now();
      await (await fetch(`http://127.0.0.1:${port}/livez`)).body?.cancel();
      longest = Math.max(longest, performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  return {
    async stop(): Promise<number> {
      running = false;
      await done;
      return longest;
    },
  };
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(38)}${cells.map((cell) => cell.padStart(15)).join("")}`);
}

const parts = { viewers: showViewers, idle: showIdle, lists: showLists };
for (const [name, part] of Object.entries(parts)) {
  if (values.only === undefined || values.only === name) await part();
}
Deno.exit(0);
