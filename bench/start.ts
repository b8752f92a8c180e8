// deno-lint-ignore-file no-console -- a benchmark answers on the terminal
/**
 * Measures the memory of waiting notifications, and a start after a `kill -9` with many of them:
 * resident bytes per notification, the seconds until a publish and a socket are accepted, and the
 * seconds until all notifications are recovered. Option: `--notifications`.
 */

import { parseArgs } from "node:util";
import { startCarillon } from "./support/carillon_process.ts";
import { residentBytes } from "./support/proc.ts";
import { COMMON, openSockets } from "./support/senders.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { notifications: { type: "string", default: "1000000" } },
});
const TOTAL = Number(values.notifications);
const BATCH = 1000;
const PUBLISHERS = 4;
const DELAY_MS = 3_600_000;
const PROPERTIES = [
  ...COMMON,
  `com.openexchange.pns.delayDuration=${DELAY_MS}`,
  "io.carillon.buffer.maxDelayDuration=3600000",
];
/** With its fields, a notification has about 180 bytes. */
const TEASER = "Shall we meet on Friday at the usual place?";

function batchOf(from: number) {
  return Array.from({ length: BATCH }, (_, n) => ({
    ...{ context: "1", user: String(from + n), topic: "ox:mail:new" },
    data: { folder: "default0/INBOX", id: String(from + n), subject: "Let's meet", teaser: TEASER },
  }));
}

async function waitingIn(carillon: { readonly port: number; readonly adminKey: string }) {
  const response = await fetch(`http://127.0.0.1:${carillon.port}/metrics`, {
    headers: { authorization: `Bearer ${carillon.adminKey}` },
  });
  return Number(/^carillon_notifications_in_flight (\d+)/m.exec(await response.text())![1]);
}

const folder = await Deno.makeTempDir({ prefix: "bench_start_" });
const store = `kv:${folder}/data.kv`;
const first = await startCarillon(PROPERTIES, { store });
await first.publish(batchOf(0));
const before = await residentBytes(first.pid);
const begun = performance.now();
let next = BATCH;
await Promise.all(Array.from({ length: PUBLISHERS }, async () => {
  while (next < TOTAL) {
    const from = next;
    next += BATCH;
    await first.publish(batchOf(from));
  }
}));
const seconds = (performance.now() - begun) / 1000;
console.log(`${TOTAL} notifications wait, accepted at ${(TOTAL / seconds).toFixed(0)}/s`);
await sleep(35_000);
const each = (await residentBytes(first.pid) - before) / (TOTAL - BATCH);
console.log(`resident bytes for each of them       ${each.toFixed(0)}`);
await first.kill();

const killed = performance.now();
await using restarted = await startCarillon(PROPERTIES, { store });
await restarted.publish(batchOf(TOTAL).slice(0, 1));
await (await openSockets(restarted, 1))[Symbol.asyncDispose]();
console.log(`seconds until publishes and sockets   ${since(killed)}`);
while (await waitingIn(restarted) < TOTAL + 1) await sleep(100);
console.log(`seconds until all are recovered       ${since(killed)}`);
await restarted.kill();
await Deno.remove(folder, { recursive: true });
Deno.exit(0);

function since(at: number): string {
  return ((performance.now() - at) / 1000).toFixed(1);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
