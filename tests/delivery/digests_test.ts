/** What quiet hours do to messages, on a clock that is moved through the night. */

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { PipelineBench } from "../support/pipeline.ts";

const EVENING = Date.parse("2026-01-05T22:30:00Z");
const NIGHT_MS = 9 * 3_600_000;

async function benchOf(action: string, more = ""): Promise<PipelineBench> {
  const properties = `com.openexchange.pns.transport.apn.ios.enabled=true
com.openexchange.pns.delayDuration=0
io.carillon.quietHours.times=22:00-07:00
io.carillon.quietHours.action=${action}
${more}`;
  const bench = await new PipelineBench(new FakeClock(EVENING), undefined, properties).start();
  bench.subscribe("apn", "a");
  return bench;
}

function mail(n: number) {
  return { topic: "x", data: JSON.stringify({ n, title: `Mail ${n}` }) };
}

Deno.test("a notification in quiet hours is dropped, and the ledger says why", async () => {
  await using bench = await benchOf("drop");
  assert.equal(await bench.summary(await bench.publish()), "suppressed apn=quiet");
  await bench.pass(NIGHT_MS);
  assert.equal(await bench.summary(await bench.publish()), "delivered apn=sent");
});

Deno.test("a silent one has nothing to show", async () => {
  await using bench = await benchOf("silent");
  await bench.publish();
  const [{ message }] = bench.apn.arrivals as [typeof bench.apn.arrivals[0]];
  assert.deepEqual([message.silent, message.title, message.body], [true, undefined, undefined]);
});

Deno.test("held ones become one digest in the morning, and each record says so", async () => {
  await using bench = await benchOf("hold");
  const ids = [];
  for (let n = 0; n < 3; n++) ids.push(await bench.publish(mail(n)));
  assert.equal(await bench.summary(ids[0]!), "in_flight apn=held");
  assert.equal(bench.pipeline.inFlight(), 3);
  await bench.pass(NIGHT_MS);
  assert.equal(bench.apn.arrivals.length, 1);
  const { data, topic } = bench.apn.arrivals[0]!.message;
  assert.deepEqual([topic, data["count"], data["topics"]], ["carillon:digest", 3, { x: 3 }]);
  for (const id of ids) assert.equal(await bench.summary(id), "delivered apn=sent");
  assert.equal(bench.pipeline.inFlight(), 0);
  for await (const left of bench.store.list({ prefix: ["held"] })) assert.fail(String(left.key));
  for await (const left of bench.store.list({ prefix: ["heldNewest"] })) {
    assert.fail(String(left.key));
  }
});

Deno.test("a single held one is sent as it is", async () => {
  await using bench = await benchOf("hold");
  const id = await bench.publish(mail(1));
  await bench.pass(NIGHT_MS);
  const [{ message }] = bench.apn.arrivals as [typeof bench.apn.arrivals[0]];
  assert.deepEqual([message.id, message.topic, message.data["n"]], [id, "x", 1]);
});

Deno.test("what is cancelled, acknowledged or expired overnight is left out", async () => {
  await using bench = await benchOf("hold");
  const cancelled = await bench.publish(mail(1));
  const seen = await bench.publish(mail(2));
  const expired = await bench.publish({ ...mail(3), ttl: 60 });
  const kept = await bench.publish(mail(4));
  await bench.pipeline.takeBack.cancel(await bench.pipeline.find(cancelled) as LedgerRecord);
  bench.pipeline.reports.fromSocket({ id: seen, context: "1", user: "3" }, {
    client: "tab",
    id: "c1",
  }, "seen");
  await bench.pass(NIGHT_MS);
  assert.deepEqual(bench.apn.arrivals.map(({ id }) => id), [kept]);
  assert.equal(await bench.summary(cancelled), "cancelled apn=cancelled");
  assert.equal(await bench.summary(seen), "suppressed apn=seen");
  assert.equal(await bench.summary(expired), "expired apn=expired");
  assert.equal(await bench.summary(kept), "delivered apn=sent");
  assert.equal(bench.pipeline.inFlight(), 0);
});

Deno.test("a crash in the night loses none, and the count of those in flight is right", async () => {
  const first = await benchOf("hold");
  const ids = [await first.publish(mail(1)), await first.publish(mail(2))];
  await first.pass(2_000);
  first.kill();
  const second = new PipelineBench(first.clock, first.store, first.properties);
  second.targets = first.targets;
  await using bench = await second.start();
  assert.equal(bench.pipeline.inFlight(), 2);
  await bench.pass(NIGHT_MS);
  assert.equal(bench.apn.arrivals.length, 1);
  for (const id of ids) assert.equal(await bench.summary(id), "delivered apn=sent");
  assert.equal(bench.pipeline.inFlight(), 0);
});

Deno.test("a digest that fails is tried again, and nothing is lost", async () => {
  await using bench = await benchOf("hold");
  bench.targets = [];
  bench.subscribe("apn", "500 x2");
  const ids = [await bench.publish(mail(1)), await bench.publish(mail(2))];
  await bench.pass(NIGHT_MS);
  await bench.pass(10_000);
  assert.deepEqual(bench.apn.arrivals.map(({ outcome }) => outcome), ["retry", "retry", "sent"]);
  for (const id of ids) {
    assert.equal(await bench.summary(id), "delivered apn=sent");
    const { targets: [target] } = await bench.pipeline.find(id) as LedgerRecord;
    assert.deepEqual([target?.attempts, target?.earlier?.length], [3, 2]);
  }
});

Deno.test("what was cancelled stays cancelled where the user unsubscribes in the night", async () => {
  await using bench = await benchOf("hold");
  const cancelled = await bench.publish(mail(1));
  const kept = await bench.publish(mail(2));
  await bench.pipeline.takeBack.cancel(await bench.pipeline.find(cancelled) as LedgerRecord);
  bench.targets = [];
  await bench.pass(NIGHT_MS);
  assert.deepEqual(bench.apn.arrivals, []);
  assert.equal(await bench.summary(cancelled), "cancelled apn=cancelled");
  assert.equal(await bench.summary(kept), "dead apn=gone");
});

Deno.test("a client and a topic may have quiet hours of their own, and `high` may break through", async () => {
  await using bench = await benchOf(
    "drop",
    "io.carillon.quietHours.times.app.calm=\nio.carillon.quietHours.breakThrough.app=true\n",
  );
  assert.equal(await bench.summary(await bench.publish({ topic: "calm" })), "delivered apn=sent");
  const { medium, high } = { medium: "medium", high: "high" } as const;
  assert.equal(
    await bench.summary(await bench.publish({ priority: medium })),
    "suppressed apn=quiet",
  );
  assert.equal(await bench.summary(await bench.publish({ priority: high })), "delivered apn=sent");
});

Deno.test("a retry that falls into quiet hours waits for their end", async () => {
  await using bench = await benchOf("hold", "io.carillon.delivery.retryBase=3600000\n");
  bench.clock.jump(-32 * 60_000); // 21:58
  bench.targets = [];
  bench.subscribe("apn", "500 x1");
  const id = await bench.publish(mail(1));
  assert.equal(await bench.summary(id), "in_flight apn=retrying");
  await bench.pass(3_600_000);
  assert.equal(await bench.summary(id), "in_flight apn=held");
  await bench.pass(NIGHT_MS);
  assert.equal(await bench.summary(id), "delivered apn=sent");
});
