import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import type { Notification } from "../../core/notification.ts";
import { bufferKeys } from "../../redis/buffer/keys.ts";
import { RedisLedger } from "../../redis/buffer/ledger.ts";
import { partitionOf } from "../../redis/keys.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { doNothing, idsOf, NOW, Site, siteTests, stateOf, type TestNode } from "./_buffer_setup.ts";

const { redis, test } = siteTests();
const KEYS = bufferKeys(partitionOf("1", "3"));

/** Notifications of one user, which are accepted as one segment. */
function makeSome(site: Site, count = 4): readonly Notification[] {
  return Array.from({ length: count }, (_, n) => site.make({ data: JSON.stringify({ n }) }));
}

function idsIn(all: readonly Notification[]): readonly string[] {
  return all.map(({ id }) => id);
}

async function fieldsOf(site: Site, key: string): Promise<readonly string[]> {
  return await site.link.send(key, ["HKEYS", key]) as readonly string[];
}

/** Everything is settled once, and nothing but the ledger is left of it. */
async function assertEnded(site: Site, node: TestNode, given: readonly Notification[]) {
  for (const { id } of given) assert.equal(await stateOf(node.buffer, id), "delivered");
  for (const key of [KEYS.segments, KEYS.items, KEYS.claims, KEYS.older]) {
    assert.deepEqual(await fieldsOf(site, key), []);
  }
  const { items } = await node.buffer.list({ limit: 20 });
  assert.deepEqual(idsIn(items as readonly Notification[]), idsIn(given).toReversed());
}

test("what is accepted together without a delay is one segment, and ends as a whole", async (site) => {
  const node = await site.start({ settings: NOW });
  const given = makeSome(site);
  const put = node.buffer.put(given);
  await site.pass(0);
  await put;
  const fields = await fieldsOf(site, KEYS.segments);
  assert.deepEqual(fields.toSorted(), [given[0]!.id, `${given[0]!.id}+4`]);
  assert.equal(await stateOf(node.buffer, given[2]!.id), "delivered");
  const other = await site.start({ settings: NOW });
  assert.deepEqual(await other.buffer.find(given[2]!.id), given[2]);
  assert.equal(await other.buffer.find(site.ids()), undefined);
  assert.equal(other.buffer.depth().inFlight, 4);
  const { items } = await other.buffer.list({ limit: 3, state: "in_flight" });
  assert.deepEqual(items, given.slice(1).toReversed());
  await site.pass(100);
  await assertEnded(site, other, given);
});

test("a part of a segment that is settled waits a moment for the rest, and no longer", async (site) => {
  const node = await site.start({ settings: NOW, handle: doNothing });
  const other = await site.start({ settings: NOW });
  const [early, late] = [makeSome(site), makeSome(site)];
  for (const given of [early, late]) await node.buffer.put(given);
  for (const each of [...early.slice(1), late[0]!]) node.buffer.settle(delivered(each));
  await site.pass(100);
  assert.equal(await stateOf(other.buffer, early[1]!.id), "in flight");
  node.buffer.settle(delivered(early[0]!));
  await site.pass(100);
  for (const { id } of early) assert.equal(await stateOf(other.buffer, id), "delivered");
  assert.equal(await stateOf(other.buffer, late[0]!.id), "in flight");
  await site.pass(100);
  const states = await Promise.all(idsIn(late).map((id) => stateOf(other.buffer, id)));
  assert.deepEqual(states, ["delivered", "in flight", "in flight", "in flight"]);
  assert.equal((await fieldsOf(site, KEYS.claims)).length, 3);
  for (const each of late.slice(1)) node.buffer.settle(delivered(each));
  await site.pass(100);
  await assertEnded(site, other, [...early, ...late]);
});

test("a node that takes over a segment hands over what is not settled, as a repeat", async (site) => {
  const dead = await site.start({ settings: NOW, handle: doNothing });
  const given = makeSome(site);
  await dead.buffer.put(given);
  for (const each of given.slice(0, 2)) dead.buffer.settle(delivered(each));
  await site.pass(300);
  const untouched = makeSome(site);
  await dead.buffer.put(untouched);
  dead.kill();
  const other = await site.start({ settings: NOW });
  await site.pass(2000);
  assert.deepEqual(idsOf(other).toSorted(), idsIn([...given.slice(2), ...untouched]));
  assert.ok(other.handled.every(({ isRepeat }) => isRepeat));
  assert.equal(other.counts.reclaimed, 6);
  await assertEnded(site, other, [...given, ...untouched]);
  assert.equal(await site.link.send(KEYS.segmentClaimers, ["EXISTS", KEYS.segmentClaimers]), 0);
});

test("a segment that other nodes have taken over is not settled, released or split by its node", async (site) => {
  const paused = await site.start({ settings: NOW, handle: doNothing });
  const given = makeSome(site, 6);
  await paused.buffer.put(given.slice(0, 4));
  await paused.buffer.put(given.slice(4));
  await site.pass(25);
  paused.node.vanish();
  const other = await site.start({ settings: NOW, handle: doNothing });
  await site.pass(1500);
  assert.equal(other.handled.length, 6);
  paused.node.comeBack();
  for (const each of given.slice(0, 4)) paused.buffer.settle({ ...delivered(each), state: "dead" });
  paused.buffer.release(given[4]!.id);
  await site.pass(1500);
  assert.equal(other.handled.length, 6);
  for (const { id } of given) assert.equal(await stateOf(other.buffer, id), "in flight");
  for (const each of given) other.buffer.settle(delivered(each));
  await site.pass(100);
  await assertEnded(site, other, given);
});

test("a segment ends once where the answer of its settlement, split or release is lost", async (site) => {
  for (const script of ["buffer_settle", "buffer_release"]) {
    for (const settled of [4, 2]) {
      await redis().flush();
      const node = await site.start({
        settings: NOW,
        handle: (buffer) => (batch, { isRepeat }) => {
          for (const each of isRepeat ? batch : []) buffer.settle(delivered(each));
        },
      });
      const given = makeSome(site);
      await node.buffer.put(given);
      node.link.loseAnswer(script);
      for (const each of given.slice(0, settled)) node.buffer.settle(delivered(each));
      for (const { id } of given.slice(settled)) node.buffer.release(id);
      await site.pass(8000);
      await assertEnded(site, node, given);
      const repeated = node.handled.filter(({ isRepeat }) => isRepeat);
      assert.ok(repeated.length >= 4 - settled && repeated.length <= 2 * (4 - settled));
      assert.equal(node.buffer.depth().inFlight, 0);
      node.kill();
    }
  }
});

test("a segment whose accepting call had no answer is delivered once, whether it is accepted again or not", async (site) => {
  for (const isRepeated of [false, true]) {
    await redis().flush();
    const node = await site.start({ settings: NOW });
    const given = makeSome(site);
    node.link.loseAnswer("buffer_accept_segment");
    await assert.rejects(node.buffer.put(given), { code: "store_unavailable" });
    if (isRepeated) await node.buffer.put(given, [], { isRepeat: true });
    await site.pass(2000);
    assert.deepEqual(idsOf(node), idsIn(given));
    assert.ok(node.handled.every(({ isRepeat }) => isRepeat));
    await assertEnded(site, node, given);
    node.kill();
  }
});

test("a repeat adds what neither a segment nor the ledger has", async (site) => {
  const [first, second] = [
    await site.start({ settings: NOW, handle: doNothing }),
    await site.start({ settings: NOW }),
  ];
  const given = makeSome(site, 6);
  await first.buffer.put(given.slice(0, 2));
  // Its data name the last one.
  const naming = site.make({ data: JSON.stringify({ id: given[5]!.id }) });
  await first.buffer.put([naming]);
  await second.buffer.put(given.slice(2, 4));
  await site.pass(100);
  await second.buffer.put(given, [], { isRepeat: true });
  await site.pass(1000);
  assert.deepEqual(idsOf(second), idsIn(given.slice(2)));
  for (const each of [...given.slice(0, 2), naming]) first.buffer.settle(delivered(each));
  await site.pass(300);
  assert.equal(first.buffer.depth().inFlight, 0);
});

test("a node that is not sure of its claims splits its segments and goes on with them", async (site) => {
  const node = await site.start({ settings: NOW, handle: doNothing });
  const [running, accepting] = [makeSome(site), makeSome(site)];
  await node.buffer.put(running);
  await site.pass(25);
  const goOn = node.link.holdAnswers("buffer_accept_segment");
  const put = node.buffer.put(accepting);
  await site.pass(25);
  node.node.comeBack();
  await site.pass(600);
  goOn();
  await put;
  await site.pass(100);
  assert.deepEqual(await fieldsOf(site, KEYS.segments), []);
  const given = [...running, ...accepting];
  for (const each of given) node.buffer.settle(delivered(each));
  await site.pass(300);
  assert.deepEqual(idsOf(node), idsIn(given));
  await assertEnded(site, node, given);
});

test("one notification of a segment can be cancelled before it is handed over", async (site) => {
  let goOn = () => {};
  const node = await site.start({
    settings: { ...NOW, numProcessorThreads: 1 },
    handle: (buffer) => async (batch) => {
      await new Promise<void>((resolve) => goOn = resolve);
      for (const each of batch) buffer.settle(delivered(each));
    },
  });
  const given = makeSome(site, 20); // a job takes 16
  await node.buffer.put(given);
  await site.pass(25);
  const cancelled: LedgerRecord[] = [];
  await node.buffer.cancel([given[18]!, given[3]!], (record) => cancelled.push(record));
  assert.deepEqual(cancelled.map(({ id }) => id), [given[18]!.id]);
  assert.equal(await stateOf(node.buffer, given[18]!.id), "cancelled");
  assert.equal(await stateOf(node.buffer, given[3]!.id), "in flight");
  goOn();
  await site.pass(100);
  goOn();
  await site.pass(300);
  assert.equal(node.handled.length, 19);
  assert.equal(node.buffer.depth().inFlight, 0);
  assert.deepEqual(await fieldsOf(site, KEYS.claims), []);
});

test("a segment with records that will be amended keeps them apart from the others", async (site) => {
  const node = await site.start({ settings: NOW, handle: doNothing });
  const given = makeSome(site);
  await node.buffer.put(given);
  for (const [n, each] of given.entries()) {
    node.buffer.settle({ ...delivered(each), state: n % 2 ? "in_flight" : "delivered" });
  }
  await site.pass(100);
  for (const each of [given[1]!, given[3]!]) {
    await node.buffer.amend(each, (record) => ({ ...record, state: "delivered" }));
  }
  await assertEnded(site, node, given);
});

test("a node that closes leaves no segment, and another one delivers what was in it", async (site) => {
  const node = await site.start({ settings: NOW, handle: doNothing });
  const given = makeSome(site);
  await node.buffer.put(given);
  const other = await site.start({ settings: NOW });
  node.buffer.settle(delivered(given[1]!));
  await node.buffer.stop();
  await node.buffer.close();
  assert.deepEqual(await fieldsOf(site, KEYS.segments), []);
  await site.pass(1000);
  assert.deepEqual(idsOf(other), idsIn([given[0]!, given[2]!, given[3]!]));
  await assertEnded(site, other, given);
});

test("a notification is found although its segment ends while it is looked for", async (site) => {
  const node = await site.start({ settings: NOW, handle: doNothing });
  const [one] = makeSome(site, 1);
  await node.buffer.put([one!]);
  let hasEnded = false;
  const ledger = new RedisLedger({
    send: (key, command) => site.link.send(key, command),
    async run(...given: Parameters<typeof site.link.run>) {
      if (!hasEnded) {
        hasEnded = true;
        node.buffer.settle(delivered(one!));
        await site.pass(100);
      }
      return await site.link.run(...given);
    },
  });
  assert.deepEqual(await ledger.find(one!.id), delivered(one!));
});

test("after a failover to a replica that is behind, nothing is stuck and what is there is delivered", async (site) => {
  const node = await site.start({ settings: NOW, handle: doNothing });
  const [lost, kept] = [makeSome(site), makeSome(site)];
  await node.buffer.put(lost);
  await redis().flush(); // the replica did not have them
  await node.buffer.put(kept);
  const stored = await site.link.send(KEYS.segments, ["HGETALL", KEYS.segments]) as string[];
  for (const each of [...lost, ...kept]) node.buffer.settle(delivered(each));
  await site.pass(300);
  for (const { id } of lost) assert.equal(await stateOf(node.buffer, id), undefined);
  await site.link.send(KEYS.segments, ["HSET", KEYS.segments, ...stored]); // nor their settlement
  await site.link.send(KEYS.segmentClaimers, ["SADD", KEYS.segmentClaimers, node.node.id]);
  await site.pass(70_000);
  const again = node.handled.filter(({ isRepeat }) => isRepeat);
  assert.deepEqual(again.map(({ notification: { id } }) => id), idsIn(kept));
  for (const each of kept) node.buffer.settle(delivered(each));
  await site.pass(300);
  assert.equal(node.buffer.depth().inFlight, 0);
  await assertEnded(site, node, kept);
});
