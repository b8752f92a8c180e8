import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import { type Notification, parseData } from "../../core/notification.ts";
import { partitionOf } from "../../redis/keys.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { seeded } from "../support/seeded.ts";
import { doNothing, idsOf, NOW, siteTests, stateOf } from "./_buffer_setup.ts";

const { redis, test } = siteTests();

/** A user of the same partition as user 3 of context 1. */
function userNear(context: string): string {
  for (let user = 0;; user++) {
    if (partitionOf(context, String(user)) === partitionOf("1", "3")) return String(user);
  }
}

test("similar notifications that two nodes accept merge into one", async (site) => {
  const [a, b] = [await site.start(), await site.start()];
  const topic = "ox:calendar:updates";
  const older = site.make({ topic, data: JSON.stringify({ folders: ["a"] }) });
  const newer = site.make({ topic, data: JSON.stringify({ folders: ["b"] }) });
  await a.buffer.put([older]);
  await b.buffer.put([newer]);
  await site.pass(1500);
  const handled = [...a.handled, ...b.handled].map((
    { notification: one },
  ) => [one.id, parseData(one)]);
  assert.deepEqual(handled, [[newer.id, { folders: ["a", "b"] }]]);
  assert.deepEqual([a.counts.merged, b.counts.merged], [0, 1]);
  const record = await a.buffer.find(older.id) as LedgerRecord;
  assert.deepEqual([record.state, record.mergedInto], ["suppressed", newer.id]);
});

test("more similar notifications than one may hold become two", async (site) => {
  const node = await site.start();
  await node.buffer.put(Array.from({ length: 300 }, () => site.make()));
  await site.pass(1500);
  assert.equal(node.handled.length, 2);
  assert.equal(node.counts.merged, 298);
  assert.equal(node.buffer.depth().inFlight, 0);
});

test("each notification is processed by exactly one of three nodes", async (site) => {
  const random = seeded(4);
  const nodes = [];
  for (let n = 0; n < 3; n++) nodes.push(await site.start({ random }));
  const given = Array.from({ length: 600 }, (_, n) => site.make({ user: String(n) }));
  for (let n = 0; n < 600; n += 100) await nodes[n % 3]!.buffer.put(given.slice(n, n + 100));
  await site.pass(2000);
  const handled = nodes.flatMap(idsOf);
  assert.deepEqual(handled.toSorted(), given.map(({ id }) => id).toSorted());
  assert.ok(nodes.every((node) => node.handled.length > 50), "each has its share");
  assert.equal(nodes[0]!.buffer.depth().inFlight, 0);
});

test("a node claims no more than it has room for, and leaves the rest to other nodes", async (site) => {
  const slow = await site.start({
    settings: { numProcessorThreads: 1, maxProcessorTasks: 5 },
    handle: () => () => new Promise(() => {}),
  });
  const quick = await site.start();
  await slow.buffer.put(
    Array.from({ length: 100 }, (_, n) => site.make({ data: JSON.stringify({ n }) })),
  );
  await site.pass(2500);
  assert.ok(slow.handled.length <= 5);
  assert.ok(slow.buffer.depth().due <= 5);
  assert.equal(quick.handled.length + slow.handled.length + slow.buffer.depth().due, 100);
  slow.kill();
});

test("claims of a dead node are processed again by another one, and only then", async (site) => {
  const dead = await site.start({ handle: doNothing });
  const one = site.make();
  await dead.buffer.put([one]);
  await site.pass(1500);
  const other = await site.start();
  await site.pass(30_000);
  assert.deepEqual(other.handled, []);
  dead.kill();
  await site.pass(2000);
  assert.deepEqual(other.handled, [{ notification: one, isRepeat: true }]);
  assert.equal(other.counts.reclaimed, 1);
  assert.equal(await stateOf(other.buffer, one.id), "delivered");
});

test("a start releases the claims of dead nodes and returns their number", async (site) => {
  const dead = await site.start({ handle: doNothing });
  await dead.buffer.put([1, 2, 3].map((n) => site.make({ user: String(n) })));
  await site.pass(1500);
  dead.kill();
  const { buffer } = await site.start();
  assert.equal(buffer.depth().inFlight, 3);
  await site.pass(500);
  assert.equal(buffer.depth().inFlight, 0);
});

test("a paused node can neither settle nor release what other nodes have claimed", async (site) => {
  const paused = await site.start({ handle: doNothing });
  const [one, two] = [
    site.make({ data: JSON.stringify({ n: 1 }) }),
    site.make({ data: JSON.stringify({ n: 2 }) }),
  ];
  await paused.buffer.put([one, two]);
  await site.pass(1500);
  paused.node.vanish();
  const other = await site.start({ handle: doNothing });
  await site.pass(1500);
  assert.equal(other.handled.length, 2);
  paused.node.comeBack();
  paused.buffer.settle({ ...delivered(one), state: "dead" });
  paused.buffer.release(two.id);
  await site.pass(3000);
  assert.equal(await stateOf(other.buffer, one.id), "in flight");
  assert.equal(other.handled.length + paused.handled.length, 4);
  for (const each of [one, two]) other.buffer.settle(delivered(each));
  await site.pass(100);
  assert.equal(await stateOf(other.buffer, one.id), "delivered");
  assert.equal(await stateOf(other.buffer, two.id), "delivered");
});

test("a node that lost its lease does not process what other nodes have claimed", async (site) => {
  let goOn = () => {};
  const paused = await site.start({
    settings: { numProcessorThreads: 1 },
    handle: (buffer) => async (batch) => {
      await new Promise<void>((resolve) => goOn = resolve);
      for (const each of batch) buffer.settle(delivered(each));
    },
  });
  await paused.buffer.put(
    Array.from({ length: 40 }, (_, n) => site.make({ data: JSON.stringify({ n }) })),
  );
  await site.pass(1500);
  assert.equal(paused.handled.length, 16);
  paused.node.vanish();
  const other = await site.start();
  await site.pass(1500);
  assert.equal(other.handled.length, 40);
  paused.node.comeBack();
  assert.equal(paused.counts.lost, 24);
  goOn();
  await site.pass(2000);
  assert.equal(paused.handled.length, 16);
  assert.equal(other.handled.length, 40);
  assert.equal(other.buffer.depth().inFlight, 0);
});

test("a single node that lost its lease processes again what it had not started", async (site) => {
  let goOn = () => {};
  const alone = await site.start({
    settings: { numProcessorThreads: 1 },
    handle: (buffer) => async (batch, { isRepeat }) => {
      if (!isRepeat) await new Promise<void>((resolve) => goOn = resolve);
      for (const each of batch) buffer.settle(delivered(each));
    },
  });
  await alone.buffer.put(
    Array.from({ length: 40 }, (_, n) => site.make({ data: JSON.stringify({ n }) })),
  );
  await site.pass(1500);
  alone.node.comeBack();
  goOn();
  await site.pass(2000);
  assert.deepEqual(alone.handled.map(({ isRepeat }) => isRepeat), [
    ...Array(16).fill(false),
    ...Array(24).fill(true),
  ]);
  assert.equal(new Set(idsOf(alone)).size, 40);
  assert.equal(alone.buffer.depth().inFlight, 0);
});

test("a node forgets claims that other nodes have taken", async (site) => {
  const paused = await site.start({ handle: doNothing });
  await paused.buffer.put([site.make()]);
  await site.pass(1500);
  paused.node.vanish();
  const other = await site.start();
  await site.pass(1500);
  paused.node.comeBack();
  await site.pass(500);
  assert.equal(paused.counts.lost, 1);
  assert.deepEqual(paused.buffer.settle(delivered(other.handled[0]!.notification)), []);
});

test("a noisy context of 5,000 does not delay 10 of another one behind it", async (site) => {
  const settings = { numProcessorThreads: 1, maxProcessorTasks: 64 };
  const node = await site.start({ settings });
  const quiet = { context: "quiet", user: userNear("quiet") };
  for (let n = 0; n < 5000; n += 500) {
    const noisy = Array.from(
      { length: 500 },
      (_, m) => site.make({ data: JSON.stringify({ n: n + m }) }),
    );
    await node.buffer.put(noisy);
  }
  await node.buffer.put(
    Array.from({ length: 10 }, (_, n) => site.make({ ...quiet, data: JSON.stringify({ n }) })),
  );
  await site.pass(3000);
  assert.equal(node.handled.length, 5010);
  const last = node.handled.findLastIndex(({ notification }) => notification.context === "quiet");
  assert.ok(last < 200, `the last one had place ${last}`);
});

test("a context that becomes due later gets a turn, however long the queue is", async (site) => {
  const settings = { numProcessorThreads: 1, maxProcessorTasks: 4 };
  const node = await site.start({ settings });
  // More contexts than one claim has room for, each with many notifications.
  for (let context = 0; context < 20; context++) {
    const name = `c${context}`;
    const user = userNear(name);
    const many = Array.from(
      { length: 100 },
      (_, n) => site.make({ context: name, user, data: JSON.stringify({ n }) }),
    );
    await node.buffer.put(many);
  }
  await site.clock.advance(1);
  await node.buffer.put([site.make({ context: "late", user: userNear("late") })]);
  await site.pass(5000);
  assert.equal(node.handled.length, 2001);
  const place = node.handled.findIndex(({ notification }) => notification.context === "late");
  assert.ok(place < 500, `it had place ${place}`);
});

test("a node goes by the count that another node has changed", async (site) => {
  const settings = { maxNotifications: 2 };
  const [a, b] = [await site.start({ settings }), await site.start({ settings })];
  await a.buffer.put([1, 2].map((n) => site.make({ data: JSON.stringify({ n }) })));
  await site.pass(1000);
  await assert.rejects(b.buffer.put([site.make()]), { code: "buffer_full", retryAfterSeconds: 1 });
  await site.pass(1000);
  await b.buffer.put([site.make()]);
});

test("only the ledger remains once everything is settled, and it expires", async (site) => {
  const node = await site.start();
  const given: Notification[] = [];
  for (const context of ["1", "2"]) {
    for (let n = 0; n < 40; n++) {
      given.push(site.make({ context, data: JSON.stringify({ n: n >> 1 }) }));
    }
  }
  await node.buffer.put(given);
  await site.pass(1500);
  const keys = (await redis().cli("keys", "*")).split("\n").filter((key) => key !== "");
  for (const key of keys) {
    if (key.endsWith(":claimers")) continue;
    assert.match(key, /^carillon:\{p\d+\}:ledger:\d+$/);
    const left = Number(await redis().cli("pttl", key));
    assert.ok(left > 50_000 && left <= 60_000, `${left} ms`);
  }
  for (const { id } of given) assert.ok(await stateOf(node.buffer, id) !== "in flight");
  await node.buffer.stop();
  await node.buffer.close();
  assert.doesNotMatch(await redis().cli("keys", "*"), /claimers/);
});

test("a node that was just started keeps its claims when another does not know it yet", async (site) => {
  const [old, young] = [await site.start(), await site.start({ settings: NOW, handle: doNothing })];
  old.node.hide(young.node.id);
  await young.buffer.put([site.make()]);
  await site.pass(3000);
  assert.deepEqual([old.handled.length, young.handled.length], [0, 1]);
});

test("a record is written a moment after the settlement, not before", async (site) => {
  const node = await site.start({ settings: NOW });
  const other = await site.start({ settings: NOW });
  const [early, late] = [site.make(), site.make()];
  await node.buffer.put([early]);
  await site.pass(20);
  await node.buffer.put([late]);
  await site.pass(10); // what it was settled for may not have left the process yet
  assert.equal(await stateOf(other.buffer, late.id), "in flight");
  await site.pass(40);
  assert.equal(await stateOf(other.buffer, early.id), "delivered");
  assert.equal(await stateOf(other.buffer, late.id), "delivered");
});
