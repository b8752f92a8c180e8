/** Scheduled and escalating notifications across crashes, full buffers and clocks that jump. */

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Store } from "../../core/store.ts";
import { MemoryStore } from "../../store/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench, PUBLISHER } from "../support/pipeline.ts";
import { sharedView } from "../support/shared_store.ts";
import { dieAfter } from "./_audience.ts";

const MINUTE_MS = 60_000;

/** What is known of a notification under the id that its publisher got. */
async function found(bench: PipelineBench, id: string): Promise<string> {
  const record = await bench.pipeline.find(id) as LedgerRecord | undefined;
  if (!record) return "unknown";
  return [record.state, ...record.targets.map((one) => `${one.transport}=${one.state}`)].join(" ");
}

function at(clock: FakeClock, ms: number): string {
  return new Date(clock.now() + ms).toISOString();
}

/** Another process on the same store, after this one was killed. */
async function restart(bench: PipelineBench): Promise<PipelineBench> {
  bench.kill();
  const next = new PipelineBench(bench.clock, bench.store);
  next.targets = bench.targets;
  next.present = bench.present;
  return await next.start();
}

Deno.test("a scheduled notification survives a crash, and is sent once at its time", async () => {
  const first = await new PipelineBench().start();
  first.subscribe("apn", "a");
  const id = await first.publish({ deliverAt: at(first.clock, MINUTE_MS) });
  await using second = await restart(first);
  await second.pass(MINUTE_MS - 1);
  assert.equal(second.apn.arrivals.length, 0);
  assert.equal(await found(second, id), "scheduled");
  await second.pass(1);
  await second.pass(1000);
  assert.equal(await found(second, id), "delivered apn=sent");
  assert.equal(second.apn.arrivals.length + first.apn.arrivals.length, 1);
});

/** A process ends at each of the first commits of a release, and another one goes on. */
async function crashAtEachCommit(
  openStore: (store: Store) => Store,
  { commits, takeOverMs }: { readonly commits: number; readonly takeOverMs: number },
): Promise<void> {
  for (let allowed = 0; allowed < commits; allowed++) {
    const clock = new FakeClock();
    const store = openStore(new MemoryStore({ clock }));
    const first = await new PipelineBench(clock, store).start();
    first.subscribe("apn", "a");
    const id = await first.publish({ deliverAt: at(clock, MINUTE_MS) });
    const revive = dieAfter(allowed, { store, bench: first });
    await first.pass(MINUTE_MS);
    await first.pass(1_000);
    revive();
    await using second = await restart(first);
    for (let passed = 0; passed < takeOverMs; passed += 5_000) await second.pass(5_000);
    assert.equal(await found(second, id), "delivered apn=sent", `after ${allowed} commits`);
    const sent = new Set([...first.apn.arrivals, ...second.apn.arrivals].map((one) => one.id));
    assert.equal(sent.size, 1, `after ${allowed} commits under one id`);
  }
}

Deno.test("a crash at any commit of a release loses nothing and puts nothing in twice", async () => {
  await crashAtEachCommit((store) => store, { commits: 6, takeOverMs: 20_000 });
});

Deno.test("where processes share a store, another one releases after a crash at any commit", async () => {
  // The lease of a job is two minutes.
  await crashAtEachCommit(sharedView, { commits: 12, takeOverMs: 150_000 });
});

Deno.test("a cancellation and a release exclude each other", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const id = await bench.publish({ deliverAt: at(bench.clock, MINUTE_MS) });
  const record = await bench.pipeline.find(id) as LedgerRecord;
  const passing = bench.pass(MINUTE_MS);
  const cancelled = await bench.pipeline.takeBack.cancel(record);
  await passing;
  await bench.pass(5_000);
  assert.equal(cancelled === 1, await found(bench, id) === "cancelled");
  assert.equal(bench.apn.arrivals.length, cancelled === 1 ? 0 : 1);
});

Deno.test("a clock that is set forward delays a release by half a minute at most", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const id = await bench.publish({ deliverAt: at(bench.clock, 60 * MINUTE_MS) });
  bench.clock.jump(60 * MINUTE_MS);
  await bench.pass(30_000);
  await bench.pass(1_000);
  assert.equal(await found(bench, id), "delivered apn=sent");
});

Deno.test("a clock that is set back lets nothing go early", async () => {
  await using bench = await new PipelineBench().start();
  bench.subscribe("apn", "a");
  const id = await bench.publish({ deliverAt: at(bench.clock, MINUTE_MS) });
  bench.clock.jump(-10 * MINUTE_MS);
  await bench.pass(10 * MINUTE_MS);
  assert.equal(await found(bench, id), "scheduled");
  await bench.pass(MINUTE_MS);
  await bench.pass(1_000);
  assert.equal(await found(bench, id), "delivered apn=sent");
});

Deno.test("scheduled notifications wait in the store and not in the buffer, also while it is full", async () => {
  const properties = "com.openexchange.pns.transport.apn.ios.enabled=true\n" +
    "com.openexchange.pns.delayDuration=1000\nio.carillon.buffer.maxNotifications=10\n";
  await using bench = await new PipelineBench(undefined, undefined, properties).start();
  bench.subscribe("apn", "a");
  const deliverAt = at(bench.clock, MINUTE_MS);
  const ids: string[] = [];
  for (let batch = 0; batch < 4; batch++) {
    const drafts = Array.from({ length: 10 }, (_, n) => ({
      ...{ context: "1", user: "3", topic: "x", data: JSON.stringify({ n, batch }), deliverAt },
    }));
    ids.push(...(await bench.pipeline.publish(PUBLISHER, { drafts })).ids);
  }
  assert.equal(bench.buffer.depth().inFlight, 0);
  assert.equal(bench.pipeline.inFlight(), 40);
  await bench.pass(MINUTE_MS);
  assert.ok(bench.buffer.depth().inFlight <= 10);
  for (let second = 0; second < 20; second++) await bench.pass(1_000);
  for (const id of ids) assert.equal(await found(bench, id), "delivered apn=sent");
  assert.equal(bench.apn.arrivals.length, 40);
  assert.equal(bench.pipeline.inFlight(), 0);
});

Deno.test("a phone that waits for a socket rings after a crash, once, or is left alone", async () => {
  for (const isAcknowledged of [false, true]) {
    const first = new PipelineBench();
    first.present = [{ client: "app", id: "s", socketId: "s", open: true }];
    await first.start();
    first.subscribe("apn", "a");
    const id = await first.publish({ escalate: { after: 30 } });
    await first.pass(2_000);
    assert.match(await found(first, id), /^in_flight .*apn=held/);
    if (isAcknowledged) {
      first.pipeline.reports.fromSocket({ id, context: "1", user: "3" }, {
        client: "app",
        id: "c1",
      }, "seen");
      await first.pass(3_000);
    }
    await using second = await restart(first);
    await second.pass(31_000);
    const state = isAcknowledged ? "seen" : "sent";
    assert.match(await found(second, id), new RegExp(`^delivered .*apn=${state}`));
    assert.equal(second.apn.arrivals.length, isAcknowledged ? 0 : 1);
  }
});
