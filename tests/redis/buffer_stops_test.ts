import assert from "node:assert/strict";
import { delivered } from "../contract/_buffer_bench.ts";
import { doNothing, idsOf, NOW, siteTests, stateOf } from "./_buffer_setup.ts";

const { test } = siteTests();

test("a node that closes releases its claims at once", async (site) => {
  const leaving = await site.start({ handle: doNothing });
  const other = await site.start();
  const [done, open] = [
    site.make({ data: JSON.stringify({ n: 1 }) }),
    site.make({ data: JSON.stringify({ n: 2 }) }),
  ];
  await leaving.buffer.put([done, open]);
  await site.pass(1000);
  assert.equal(leaving.handled.length, 2);
  await leaving.buffer.stop();
  await assert.rejects(leaving.buffer.put([site.make()]), { code: "draining" });
  leaving.buffer.settle(delivered(done));
  await leaving.buffer.close();
  await site.pass(500);
  assert.deepEqual(other.handled, [{ notification: open, isRepeat: true }]);
  assert.equal(await stateOf(other.buffer, done.id), "delivered");
});

test("a node that stops leaves what is due to the other nodes", async (site) => {
  const [leaving, other] = [await site.start(), await site.start({ random: () => 0.9 })];
  await leaving.buffer.put([site.make()]);
  await site.pass(900);
  await leaving.buffer.stop();
  await site.pass(600);
  assert.deepEqual([leaving.handled.length, other.handled.length], [0, 1]);
});

test("the last node to stop processes what is due and keeps the rest", async (site) => {
  const node = await site.start({ random: () => 0.9 });
  const [due, later] = [
    site.make(),
    site.make({ priority: "low", data: JSON.stringify({ n: 2 }) }),
  ];
  await node.buffer.put([due, later]);
  await site.pass(1000);
  assert.deepEqual(idsOf(node), []);
  await node.buffer.stop();
  assert.deepEqual(idsOf(node), [due.id]);
  assert.equal(await stateOf(node.buffer, later.id), "in flight");
});

test("a stopping node processes what it accepted before", async (site) => {
  const node = await site.start({ settings: NOW });
  await site.start();
  const put = node.buffer.put([site.make()]);
  await node.buffer.stop();
  assert.equal(node.handled.length, 1);
  await put;
});
