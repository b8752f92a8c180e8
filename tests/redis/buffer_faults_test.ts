import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { formatNotification } from "../../redis/buffer/_codec.ts";
import { bufferKeys } from "../../redis/buffer/keys.ts";
import { ACCEPT, CLAIM } from "../../redis/buffer/_scripts.ts";
import { partitionOf } from "../../redis/keys.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { doNothing, idsOf, NOW, siteTests, stateOf, type TestNode } from "./_buffer_setup.ts";

const { redis, test } = siteTests();
const EPOCH = "1700000000000";

test("repeating a put that was accepted in part adds the rest and no duplicates", async (site) => {
  for (const settings of [{}, NOW]) {
    const node = await site.start({ settings });
    const both = [site.make({ user: "3" }), site.make({ user: "4" })];
    const refused = `{p${partitionOf("1", "4")}}`;
    node.link.refuse((key) => key.includes(refused));
    await assert.rejects(node.buffer.put(both), { code: "store_unavailable" });
    node.link.refuse(() => false);
    await node.buffer.put(both, [], { isRepeat: true });
    await site.pass(1500);
    assert.deepEqual(idsOf(node).toSorted(), both.map(({ id }) => id));
    await node.buffer.put(both, [], { isRepeat: true });
    await site.pass(1500);
    assert.equal(node.handled.length, 2);
    assert.equal(node.buffer.depth().inFlight, 0);
    await node.buffer.stop();
    await node.buffer.close();
  }
});

test("repeating a put whose answer was lost adds no duplicates", async (site) => {
  for (
    const [settings, script] of [[{}, "buffer_accept"], [NOW, "buffer_accept_segment"]] as const
  ) {
    const node = await site.start({ settings });
    const one = site.make();
    node.link.loseAnswer(script);
    await assert.rejects(node.buffer.put([one]), { code: "store_unavailable" });
    await node.buffer.put([one], [], { isRepeat: true });
    await site.pass(2000);
    assert.deepEqual(idsOf(node), [one.id]);
    assert.equal(node.buffer.depth().inFlight, 0);
    await node.buffer.stop();
    await node.buffer.close();
  }
});

test("claims whose answer was lost are processed again", async (site) => {
  const node = await site.start();
  const one = site.make();
  await node.buffer.put([one]);
  await site.pass(999);
  node.link.refuse((key) => !key.includes(`{p${partitionOf("1", "3")}}`));
  node.link.loseAnswer("buffer_claim");
  await site.pass(1);
  node.link.refuse(() => false);
  assert.deepEqual(node.handled, []);
  await site.pass(1500);
  assert.deepEqual(node.handled, [{ notification: one, isRepeat: true }]);
  assert.equal(node.buffer.depth().inFlight, 0);
});

test("a claim that its node does not know of is found within about a minute", async (site) => {
  const node = await site.start({ settings: { timerFrequency: 10_000 } });
  const one = site.make();
  await node.buffer.put([one]);
  await site.pass(1500);
  const { items, claims, open, older, due, turns, claimers } = bufferKeys(partitionOf("1", "3"));
  const keys = [items, claims, open, older, due, turns, claimers];
  await site.link.run(CLAIM, keys, [node.node.id, site.clock.now(), 1, 1]);
  await site.pass(80_000);
  assert.deepEqual(node.handled, [{ notification: one, isRepeat: true }]);
});

test("a settlement made during an outage of Redis is written afterwards", async (site) => {
  const node = await site.start({ handle: doNothing });
  const one = site.make();
  await node.buffer.put([one]);
  await site.pass(1500);
  node.link.break(true);
  node.buffer.settle(delivered(one));
  await site.pass(5000);
  assert.equal((await node.buffer.find(one.id) as LedgerRecord).state, "delivered");
  assert.equal(await node.buffer.amend(one, (record) => ({ ...record, reason: "late" })), true);
  node.link.break(false);
  await site.pass(2000);
  const other = await site.start();
  const record = await other.buffer.find(one.id) as LedgerRecord;
  assert.deepEqual([record.state, record.reason], ["delivered", "late"]);
  assert.ok(node.faults.length > 0 && node.faults.length <= 10, "the failure is reported");
});

test("a notification whose handler failed during an outage of Redis is processed again afterwards", async (site) => {
  const node: TestNode = await site.start({
    handle: (buffer) => (batch, { isRepeat }) => {
      if (!isRepeat) {
        node.link.break(true);
        throw new ServiceError("store_unavailable", "Redis is away");
      }
      for (const each of batch) buffer.settle(delivered(each));
    },
    settings: NOW,
  });
  const one = site.make();
  await node.buffer.put([one]);
  await site.pass(3000);
  assert.equal(node.handled.length, 1);
  node.link.break(false);
  await site.pass(3000);
  assert.deepEqual(node.handled.map(({ isRepeat }) => isRepeat), [false, true]);
  assert.equal(await stateOf(node.buffer, one.id), "delivered");
  assert.equal(node.buffer.depth().inFlight, 0);
});

test("with the memory of Redis full, puts are refused and notifications in flight can end", async (site) => {
  const node = await site.start();
  await node.buffer.put([site.make()]);
  await redis().cli("config", "set", "maxmemory", "1");
  try {
    await assert.rejects(node.buffer.put([site.make({ data: JSON.stringify({ n: 2 }) })]), {
      code: "store_unavailable",
    });
    await site.pass(1500);
    const repeated = node.handled[0]!.notification;
    assert.equal(await stateOf(node.buffer, repeated.id), "delivered");
    assert.equal(node.buffer.depth().inFlight, 0);
  } finally {
    await redis().cli("config", "set", "maxmemory", "0");
  }
});

test("a put whose command arrives twice is accepted once", async (site) => {
  const node = await site.start();
  const one = site.make();
  await node.buffer.put([one]);
  await node.buffer.put([one]);
  await site.pass(1500);
  assert.deepEqual(idsOf(node), [one.id]);
  assert.equal(await stateOf(node.buffer, one.id), "delivered");
  assert.equal(node.counts.merged, 0);
});

test("a notification that is being claimed is not released as unknown", async (site) => {
  const node = await site.start({ settings: NOW });
  const one = site.make();
  const goOn = node.link.holdAnswers("buffer_accept_segment");
  const put = node.buffer.put([one]);
  await site.pass(10);
  node.node.comeBack();
  await site.pass(1000);
  goOn();
  await put;
  await site.pass(1000);
  assert.deepEqual(node.handled, [{ notification: one, isRepeat: false }]);
});

test("two busy contexts each get a few claims at a time", async (site) => {
  const { link } = site;
  const partition = partitionOf("1", "3");
  const { items, claims, open, older, due, turns, claimers } = bufferKeys(partition);
  for (const context of ["a", "b"]) {
    for (let n = 0; n < 40; n++) {
      const one = site.make({ context, data: JSON.stringify({ n }) });
      const body = formatNotification(one, { waits: true });
      await link.run(ACCEPT, [items, open, older, due, turns], [`${one.id}${EPOCH}`, body]);
    }
  }
  const keys = [items, claims, open, older, due, turns, claimers];
  const reply = await link.run(CLAIM, keys, ["node", EPOCH, 48, 16]) as readonly string[];
  const contexts = reply.filter((_, index) => index % 3 === 2).map((body) => body[0]);
  assert.deepEqual(contexts, [..."a".repeat(16), ..."b".repeat(16), ..."a".repeat(16)]);
});
