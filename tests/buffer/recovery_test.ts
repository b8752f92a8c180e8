/** What a start reads back: from earlier processes, and from an earlier version. */

import assert from "node:assert/strict";
import { LogBuffer } from "../../buffer/mod.ts";
import { createIdSource } from "../../core/ids.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { DEFAULTS, delivered } from "../contract/_buffer_bench.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";
import { mortalClock } from "../support/mortal_clock.ts";
import { sharedView } from "../support/shared_store.ts";

function open(store: Store, clock: FakeClock) {
  const life = mortalClock(clock);
  const buffer = new LogBuffer(store, {
    clock: life,
    settings: () => DEFAULTS,
    retentionMs: () => 86_400_000,
    yieldToEventLoop: () => settle(1),
  });
  const handled: { readonly ids: readonly string[]; readonly isRepeat: boolean }[] = [];
  const start = () =>
    buffer.start((batch, { isRepeat }) => {
      handled.push({ ids: batch.map(({ id }) => id), isRepeat });
      for (const one of batch) buffer.settle(delivered(one));
    });
  return { buffer, handled, start, kill: () => life.kill() };
}

function make(id: string, data: Notification["data"], topic = "a"): Notification {
  return { id, context: "1", user: "3", topic, data, priority: "high", acceptedAt: 0 };
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  await clock.advance(ms);
  await settle(20);
}

Deno.test("a notification merged with one that may have been handed over is a repeat itself", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const ids = createIdSource(clock);
  const topic = "ox:calendar:updates";
  const before = open(store, clock);
  await before.start();
  await before.buffer.put([make(ids(), JSON.stringify({ folders: ["a"] }), topic)]);
  before.kill();
  const after = open(store, clock);
  await after.start();
  const newer = make(ids(), JSON.stringify({ folders: ["b"] }), topic);
  await after.buffer.put([newer]);
  await pass(clock, 1500);
  assert.deepEqual(after.handled, [{ ids: [newer.id], isRepeat: true }]);
  await after.buffer[Symbol.asyncDispose]();
});

Deno.test("notifications of several earlier processes are read back in order", async () => {
  const clock = new FakeClock();
  await using store = new MemoryStore({ clock });
  const given: string[] = [];
  for (let run = 0; run < 5; run++) {
    const { buffer, start, kill } = open(store, clock);
    assert.equal(await start(), given.length);
    const ids = createIdSource(clock);
    for (let n = 0; n < 3; n++) {
      const id = ids();
      given.push(id);
      await buffer.put([make(id, JSON.stringify({ id }))]);
      await clock.advance(1);
    }
    kill();
  }
  const last = open(store, clock);
  await last.start();
  await pass(clock, 1500);
  assert.deepEqual(last.handled.flatMap(({ ids }) => ids), given);
  await last.buffer[Symbol.asyncDispose]();
});

/** Ids as an earlier version made them: without tags; its segments have no owners. */
const OLD_IDS = [
  "0190163d-8694-739b-aea5-966c26f8ad90",
  "0190163d-8694-739b-aea6-66c26f8ad901",
  "0190163d-8694-739b-aea7-6c26f8ad9012",
  "0190163d-8695-7000-8000-0c26f8ad9013",
] as const;
const OLD_RECORDS: readonly LedgerRecord[] = [0, 2].map((index) =>
  delivered(make(OLD_IDS[index]!, JSON.stringify({})))
);

async function writeOldFile(store: Store): Promise<void> {
  const [first, second, third, fourth] = OLD_IDS;
  const values: readonly [readonly string[], unknown][] = [
    // One segment with only its second notification left, and a whole one.
    [["log", first], {
      v: 1,
      items: JSON.stringify([{ ...make(second, ""), data: { n: 2 } }]),
      ledger: [first],
    }],
    [["log", fourth], {
      v: 1,
      items: JSON.stringify([{ ...make(fourth, ""), data: { n: 4 } }]),
      ledger: [],
    }],
    [["ledger", first], JSON.stringify(OLD_RECORDS)],
  ];
  await store.commit({ sets: values.map(([key, value]) => ({ key, value })) });
  assert.equal(third, OLD_RECORDS[1]!.id);
}

for (const kind of ["alone", "shared"] as const) {
  Deno.test(`notifications of an earlier version are handed over and found (${kind})`, async () => {
    const clock = new FakeClock();
    await using store = new MemoryStore({ clock });
    const view = kind === "shared" ? sharedView(store) : store;
    await writeOldFile(store);
    const { buffer, handled, start } = open(view, clock);
    assert.equal(await start(), 2);
    assert.deepEqual(await buffer.find(OLD_IDS[0]), OLD_RECORDS[0]);
    await pass(clock, 1500);
    assert.deepEqual(handled, [{ ids: [OLD_IDS[1], OLD_IDS[3]], isRepeat: true }]);
    await buffer[Symbol.asyncDispose]();
    for await (const { key } of store.list({ prefix: ["log"] })) assert.fail(String(key));
    const later = open(view, clock);
    await later.start();
    for (const id of OLD_IDS) {
      assert.equal((await later.buffer.find(id) as LedgerRecord).state, "delivered", id);
    }
    const name = { id: OLD_IDS[2], context: "1", user: "3" };
    assert.equal(await later.buffer.amend(name, (record) => ({ ...record, state: "dead" })), true);
    assert.equal((await later.buffer.find(OLD_IDS[2]) as LedgerRecord).state, "dead");
    await later.buffer[Symbol.asyncDispose]();
  });
}
