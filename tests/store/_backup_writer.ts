/**
 * A worker that changes a store like the buffer, as fast as it can: it moves one record from the log
 * to the ledger and counts. Every fiftieth commit has a check, which forces a checkpoint of the
 * journal. Posts the number of changes, and ends on any message.
 */

import { systemClock } from "../../core/clock.ts";
import { openStore } from "../../store/mod.ts";

const path = new URL(import.meta.url).hash.slice(1);

async function write(stopped: () => boolean): Promise<void> {
  await using store = await openStore(`kv:${path}`, { clock: systemClock, random: () => 0.5 });
  await store.commit({ sets: [set("log 0", 0), set("count", 0)] });
  for (let n = 1; !stopped(); n++) {
    const version = n % 50 === 0 ? (await store.get(["count"]))!.version : undefined;
    await store.commit({
      ...version !== undefined && { checks: [{ key: ["count"], version }] },
      sets: [set(`log ${n}`, n), set(`ledger ${n - 1}`, n - 1), set("count", n)],
      deletes: [[`log ${n - 1}`]],
    });
    self.postMessage(n);
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

function set(key: string, value: unknown) {
  return { key: [key], value };
}

declare const self: Worker;

let delivered = false;
self.onmessage = () => void (delivered = true);
await write(() => delivered);
self.postMessage("closed");
