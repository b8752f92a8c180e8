/** The ledger of several processes that share one store: each finds and changes every record. */

import assert from "node:assert/strict";
import type { LedgerRecord } from "../../core/ledger.ts";
import { delivered } from "../contract/_buffer_bench.ts";
import { type Isolate, LEASE_MS, stateOf, test } from "./_isolates.ts";

test("a notification that one process accepted is found by the others, in flight and settled", async (all) => {
  const [one, other] = [await all.add(), await all.add()];
  await other.put(3);
  const [id] = await one.put(1);
  assert.equal(await stateOf(other, id!), "in flight");
  await all.pass(3000);
  assert.equal(await stateOf(other, id!), "delivered");
  assert.equal(await stateOf(other, "0190163d-8694-739b-aea5-966c26f8ad90"), "unknown");
});

test("records of processes whose ids interleave are all found", async (all) => {
  const isolates = [await all.add(), await all.add(), await all.add()];
  const ids: string[] = [];
  for (let batch = 0; batch < 10; batch++) {
    for (const isolate of isolates) ids.push(...await isolate.put(1 + batch % 3));
    await all.pass(700);
  }
  await all.pass(5000);
  for (const id of ids) {
    for (const isolate of isolates) assert.equal(await stateOf(isolate, id), "delivered");
  }
});

test("any process can change a record", async (all) => {
  const [one, other] = [await all.add(), await all.add()];
  const ids = await one.put(3);
  await all.pass(3000);
  assert.equal(await change(other, ids[1]!, "dead"), true);
  assert.equal(await change(one, ids[1]!, "expired"), true);
  for (const isolate of [one, other]) {
    const states = await Promise.all(ids.map((id) => stateOf(isolate, id)));
    assert.deepEqual(states, ["delivered", "expired", "delivered"]);
  }
});

test("a change waits while another process may still write the record", async (all) => {
  const [one, other] = [await all.add({ holds: true }), await all.add()];
  const ids = await one.put(3);
  await all.pass(1500);
  one.buffer.settle(delivered(one.handled[0]!));
  await all.pass(2000);
  assert.equal(await stateOf(other, ids[0]!), "delivered");
  let results: readonly boolean[] | undefined;
  void Promise.all([change(other, ids[0]!, "dead"), change(other, ids[1]!, "dead")])
    .then((done) => results = done);
  await all.pass(5000);
  assert.equal(results, undefined);
  one.buffer.settle(delivered(one.handled[1]!));
  one.buffer.settle(delivered(one.handled[2]!));
  await all.pass(3000);
  assert.deepEqual(results, [true, true]);
  const states = await Promise.all(ids.map((id) => stateOf(one, id)));
  assert.deepEqual(states, ["dead", "dead", "delivered"]);
});

test("a change does not wait for ever", async (all) => {
  const [one, other] = [await all.add({ holds: true }), await all.add()];
  const [id] = await one.put(1);
  let result: boolean | undefined;
  void change(other, id!, "dead").then((done) => result = done);
  await all.pass(40_000);
  assert.equal(result, false);
});

test("a notification that was taken over is found by all, before and after it is settled", async (all) => {
  const [dead, other] = [await all.add(), await all.add({ settings: { maxNotifications: 0 } })];
  const ids = await dead.put(2);
  dead.clock.kill();
  const successor = await all.add({ holds: true });
  await all.pass(2 * LEASE_MS);
  assert.equal(successor.handled.length, 2);
  successor.buffer.settle(delivered(successor.handled[0]!));
  await all.pass(2000);
  for (const isolate of [successor, other]) {
    assert.equal(await stateOf(isolate, ids[0]!), "delivered");
    assert.equal(await stateOf(isolate, ids[1]!), "in flight");
  }
  successor.buffer.settle(delivered(successor.handled[1]!));
  await all.pass(1000);
  assert.equal(await change(other, ids[1]!, "dead"), true);
  for (const isolate of [successor, other]) assert.equal(await stateOf(isolate, ids[1]!), "dead");
});

function change(
  { buffer }: Isolate,
  id: string,
  state: LedgerRecord["state"],
): Promise<boolean> {
  return buffer.amend({ id, context: "1", user: "3" }, (record) => ({ ...record, state }));
}
