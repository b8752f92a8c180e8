// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures notifications to many users on one data file, beside the same as batches of 1,000, in
 * one run and alternating: targets per second and CPU of a group of which some have sockets, and of
 * one of which all have a phone at a fake APNs. "Idle" are the microseconds of each target in which
 * the main thread had nothing to do: it neither ran nor waited for a core. Then the memory of the
 * service while it notifies a large group, and while many notifications are scheduled. Options:
 * `--users`, `--sockets`, `--members` (of the large group), `--scheduled`, `--rounds`,
 * `--only sockets|phones|memory|scheduled`.
 */

import { parseArgs } from "node:util";
import { freePort } from "../tests/support/free_port.ts";
import { waitedForCoreMs } from "./support/cpu_waits.ts";
import { type AudienceService, startAudienceService } from "./support/audience_service.ts";
import { heapBytes } from "./support/heap.ts";
import { residentBytes } from "./support/proc.ts";
import { MAIL, openSockets } from "./support/senders.ts";
import { startPushPeer } from "./support/push_peer_process.ts";
import { startSimulatorProcess } from "./support/simulator_process.ts";
import { type ThreadTimes, threadTimes, timesPer, totalOf } from "./support/threads.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    users: { type: "string", default: "100000" },
    sockets: { type: "string", default: "4000" },
    members: { type: "string", default: "1000000" },
    scheduled: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    only: { type: "string" },
  },
});
const USERS = Number(values.users);
const SOCKETS = Number(values.sockets);
const MEMBERS = Number(values.members);
const SCHEDULED = Number(values.scheduled);
const ROUNDS = Number(values.rounds);
const LOOK_PAUSE_MS = 20;
const CLIENT = "bench";
/** MiB of a heap that shows what scheduling needs, without what the collector has left. */
const SMALL_HEAP = 384;
/** Notifications in one request, if they are scheduled. */
const SCHEDULED_BATCH = 400;
const PUBLISHERS = 4;

interface Result extends ThreadTimes {
  readonly perSecond: number;
  readonly idle: number;
}

/** Measures both ways until everything is settled, and has arrived. */
async function compare(service: AudienceService, arrived: () => Promise<() => Promise<void>>) {
  async function measure(send: () => Promise<unknown>, count: number): Promise<Result> {
    const { pid } = service.carillon;
    const wait = await arrived();
    const settled = await service.settled() + count;
    const from = await threadTimes(pid);
    const waited = await waitedForCoreMs(pid);
    const begun = performance.now();
    // The server is looked at as often either way: that is work for it, too.
    const looking = (async () => {
      while (await service.settled() < settled) await sleep(LOOK_PAUSE_MS);
    })();
    await Promise.all([send(), looking]);
    await wait();
    const ms = performance.now() - begun;
    const times = timesPer(USERS, { from, to: await threadTimes(pid) });
    const ready = ms - (await waitedForCoreMs(pid) - waited);
    return { ...times, perSecond: USERS / ms * 1000, idle: ready * 1000 / USERS - times.main };
  }
  const ways: Readonly<Record<string, () => Promise<Result>>> = {
    "a group, one notification": () => measure(() => service.toGroup(), USERS + 1),
    "batches of 1,000": () => measure(() => service.inBatches(), USERS),
  };
  const found = new Map<string, Result[]>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(ways)) {
      const result = await run();
      if (round > 0) found.set(name, [...found.get(name) ?? [], result]); // the first one warms up
    }
  }
  row("", "targets/s", "CPU", "main", "store", "collector", "other", "idle");
  const medians = [...found].map(([name, all]) => {
    const of = (field: keyof Result) =>
      all.map((each) => each[field]).sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
    const [main, store, collector, other] = [of("main"), of("store"), of("collector"), of("other")];
    const cpu = [totalOf({ main, store, collector, other }), main, store, collector, other];
    row(name, of("perSecond").toFixed(0), ...[...cpu, of("idle")].map((us) => us.toFixed(1)));
    return of("perSecond");
  });
  row("group / batches", (medians[0]! / medians[1]!).toFixed(2));
}

async function showSockets(): Promise<void> {
  await using service = await startAudienceService({ users: USERS });
  // Spread over all: otherwise most batches would have nobody with a socket, and pages some.
  const { port, session } = service.carillon;
  const everyNth = (n: string) => session(String(Math.floor(Number(n) * USERS / SOCKETS)));
  await using swarm = await openSockets({ port, session: everyNth }, SOCKETS);
  console.log(`\n${USERS} users, ${SOCKETS} of them with a socket; µs of CPU per target`);
  await compare(service, async () => {
    await swarm.report();
    return async () => void await swarm.received(SOCKETS);
  });
}

async function showPhones(): Promise<void> {
  await using simulator = await startSimulatorProcess();
  const pairFile = `${simulator.folder}/far_side.json`;
  const { certificate: cert, privateKey: key } = simulator.material.server;
  await Deno.writeTextFile(pairFile, JSON.stringify({ cert, key }));
  await using peer = await startPushPeer(pairFile);
  const { bundleId, keyId, teamId } = simulator.material.apns;
  const options = {
    ...{ topic: bundleId, address: peer.origins.apns, cafile: `${simulator.folder}/ca.pem` },
    ...{ authtype: "jwt", privatekey: `${simulator.folder}/apns.p8`, keyid: keyId },
    teamid: teamId,
  };
  await using service = await startAudienceService({
    ...{ users: USERS, phones: CLIENT },
    properties: ["com.openexchange.pns.transport.apn.ios.enabled=true"],
    files: { "pns-apns-options.yml": JSON.stringify({ [CLIENT]: options }) },
  });
  console.log(`\n${USERS} users with a phone each, until APNs' 200; µs of CPU per target`);
  await compare(service, async () => {
    const before = await peer.count();
    return async () => {
      while (await peer.count() < before + USERS) await sleep(LOOK_PAUSE_MS);
    };
  });
}

/** Follows the resident memory of a process; what it was before, and its peak, in MiB. */
async function follow(pid: number, work: () => Promise<unknown>) {
  const before = await residentBytes(pid);
  let [peak, isOver] = [before, false];
  const looking = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await residentBytes(pid));
      await sleep(LOOK_PAUSE_MS);
    }
  })();
  const begun = performance.now();
  await work();
  const seconds = (performance.now() - begun) / 1000;
  isOver = true;
  await looking;
  return { before: before / 2 ** 20, peak: peak / 2 ** 20, seconds };
}

async function showMemory(): Promise<void> {
  // As shipped, so that the buffer's bound is the one of an installation.
  const properties = [
    "io.carillon.buffer.maxNotifications=100000",
    "io.carillon.buffer.maxBytes=268435456",
  ];
  console.log("\nMiB of the service, with room for 100,000 notifications in its buffer");
  row("", "before", "peak", "seconds");
  for (const members of [USERS, MEMBERS]) {
    await using service = await startAudienceService({ users: members, properties });
    const { before, peak, seconds } = await follow(service.carillon.pid, async () => {
      const settled = await service.settled() + members + 1;
      await service.toGroup();
      while (await service.settled() < settled) await sleep(LOOK_PAUSE_MS);
    });
    row(`a group of ${members}`, before.toFixed(0), peak.toFixed(0), seconds.toFixed(1));
  }
}

async function showScheduled(): Promise<void> {
  console.log("\nMiB of the service while notifications are scheduled for tomorrow");
  await scheduleMany("as shipped", []);
  await scheduleMany(`a heap of ${SMALL_HEAP} MiB`, [
    `--v8-flags=--max-old-space-size=${SMALL_HEAP}`,
  ]);
}

async function scheduleMany(name: string, heapFlags: readonly string[]): Promise<void> {
  const port = freePort();
  const v8Flags = [`--inspect=127.0.0.1:${port}`, ...heapFlags];
  await using service = await startAudienceService({ users: 0, v8Flags });
  const deliverAt = new Date(Date.now() + 24 * 3_600_000).toISOString();
  const schedule = async (count: number) => {
    let next = 0;
    await Promise.all(Array.from({ length: PUBLISHERS }, async () => {
      while (next < count) {
        const from = next;
        next += SCHEDULED_BATCH;
        await service.carillon.publish(Array.from({ length: SCHEDULED_BATCH }, (_, n) => ({
          ...{ context: "1", user: String(from + n), topic: "ox:mail:new", deliverAt },
          data: { ...MAIL, id: String(from + n) },
        })));
      }
    }));
  };
  row(name, "before", "peak", "heap in use", "afterwards", "accepted/s");
  await schedule(20_000); // warms up
  for (const count of [SCHEDULED / 10, SCHEDULED]) {
    const { before, peak, seconds } = await follow(service.carillon.pid, () => schedule(count));
    await sleep(5_000);
    const heap = await heapBytes(port) / 2 ** 20;
    const after = await residentBytes(service.carillon.pid) / 2 ** 20;
    const cells = [before, peak, heap, after, count / seconds].map((each) => each.toFixed(0));
    row(String(count), ...cells);
  }
}

function row(what: string, ...cells: readonly string[]): void {
  console.log(`${what.padEnd(28)}${cells.map((cell) => cell.padStart(12)).join("")}`);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const parts = {
  sockets: showSockets,
  phones: showPhones,
  memory: showMemory,
  scheduled: showScheduled,
};
for (const [name, part] of Object.entries(parts)) {
  if (values.only === undefined || values.only === name) await part();
}
Deno.exit(0);
