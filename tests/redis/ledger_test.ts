import assert from "node:assert/strict";
import { encodeRecord } from "../../core/ledger_codec.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { redisLedgerKey } from "../../redis/buffer/keys.ts";
import { RedisLedger } from "../../redis/buffer/ledger.ts";
import { partitionOf } from "../../redis/keys.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { Site, siteTests } from "./_buffer_setup.ts";

const { redis, test } = siteTests();

/** Ids of records that are delivered at the same moment, to one user. */
async function deliverSome(site: Site, change: (record: LedgerRecord) => LedgerRecord) {
  const node = await site.start({
    handle: (buffer) => (batch) => {
      for (const each of batch) buffer.settle(change(delivered(each)));
    },
  });
  const given = Array.from({ length: 4 }, (_, n) => site.make({ data: JSON.stringify({ n }) }));
  await node.buffer.put(given);
  await site.pass(1600);
  const key = redisLedgerKey(partitionOf("1", "3"), given[0]!.id);
  const fields = await site.link.send(key, ["HKEYS", key]) as readonly string[];
  return { node, given, key, fields };
}

test("final records of the same moment share a field, and each is found and amended alone", async (site) => {
  const { node, given, fields } = await deliverSome(site, (record) => record);
  assert.deepEqual(fields, [given[0]!.id.slice(0, 12)]);
  const [one, two] = [new RedisLedger(site.link), new RedisLedger(site.link)];
  const amended = await Promise.all([
    one.amend(given[1]!, (record) => ({ ...record, state: "cancelled" })),
    two.amend(given[2]!, (record) => ({ ...record, state: "dead", reason: '\n["x"' })),
    two.amend(given[2]!, (record) => ({ ...record, receipts: [] })),
  ]);
  assert.deepEqual(amended, [true, true, true]);
  const states = await Promise.all(
    given.map(async ({ id }) => (await one.find(id) as LedgerRecord).state),
  );
  assert.deepEqual(states, ["delivered", "cancelled", "dead", "delivered"]);
  const { reason, receipts } = await one.record(given[2]!) as LedgerRecord;
  assert.deepEqual([reason, receipts], ['\n["x"', []]);
  const { items } = await node.buffer.list({ limit: 9 });
  assert.deepEqual(items.map(({ id }) => id), given.map(({ id }) => id).reverse());
});

test("a record that will be amended has a field of its own, before and after", async (site) => {
  const { given, fields } = await deliverSome(
    site,
    (record) => ({ ...record, state: "in_flight" }),
  );
  assert.deepEqual(fields.toSorted(), given.map(({ id }) => id));
  const ledger = new RedisLedger(site.link);
  await ledger.amend(given[1]!, (record) => ({ ...record, state: "delivered" }));
  assert.equal((await ledger.record(given[1]!))?.state, "delivered");
  assert.equal((await ledger.record(given[2]!))?.state, "in_flight");
});

test("records that an earlier version wrote are found, listed, amended and not accepted again", async (site) => {
  const { node, given, key } = await deliverSome(site, (record) => record);
  const old = site.make();
  await site.link.send(key, ["HSET", key, old.id, encodeRecord(delivered(old))]);
  assert.equal(redisLedgerKey(partitionOf("1", "3"), old.id), key);
  const ledger = new RedisLedger(site.link);
  assert.deepEqual(await ledger.find(old.id), delivered(old));
  assert.equal(await ledger.amend(old, (record) => ({ ...record, state: "dead" })), true);
  assert.equal((await ledger.record(old))?.state, "dead");
  assert.equal((await node.buffer.list({ limit: 9 })).items.length, 5);
  await node.buffer.put([old, given[0]!], [], { isRepeat: true });
  await site.pass(1600);
  assert.equal(node.handled.length, given.length);
});

test("a shared field takes no more records once it is long", async (site) => {
  for (const delay of [1000, 0]) {
    const settings = { delayDuration: delay, maxDelayDuration: delay };
    const node = await site.start({ settings });
    const given = Array.from({ length: 200 }, (_, n) => site.make({ data: JSON.stringify({ n }) }));
    await node.buffer.put(given);
    await site.pass(2000);
    const key = redisLedgerKey(partitionOf("1", "3"), given[0]!.id);
    const shared = await site.link.send(key, ["HGET", key, given[0]!.id.slice(0, 12)]) as string;
    assert.ok(shared.length > 8_000 && shared.length < 9_000, `${shared.length}`);
    const states = new Set<string>();
    for (const each of given) states.add((await node.buffer.record(each))!.state);
    assert.deepEqual(states, new Set(["delivered"]));
    await redis().flush();
    node.kill();
  }
});
