/** Several processes that share one store: which of them hands over what, and failover. */

import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { parseData } from "../../core/notification.ts";
import type { StoreKey } from "../../core/store.ts";
import { isGone } from "../../buffer/shared_kv/failover.ts";
import { type Isolate, LEASE_MS, stateOf, test } from "./_isolates.ts";

test("each notification is handed over once, by the process that accepted it", async (all) => {
  const [one, other] = [await all.add(), await all.add()];
  const mine = [...await one.put(5), ...await one.put(3)];
  const theirs = await other.put(4);
  await all.pass(60_000);
  assert.deepEqual(one.handled.map(({ id }) => id), mine);
  assert.deepEqual(other.handled.map(({ id }) => id), theirs);
  assert.ok([...one.handovers, ...other.handovers].every(({ isRepeat }) => !isRepeat));
  assert.equal(one.lost + other.lost + one.taken + other.taken, 0);
});

test("segments of a dead process are taken over after its lease, and not before", async (all) => {
  const [dead, successor] = [await all.add({ holds: true }), await all.add()];
  await dead.put(3);
  await all.pass(1500);
  const waiting = await dead.put(2);
  dead.clock.kill();
  await all.pass(LEASE_MS - 3000);
  assert.deepEqual([successor.taken, successor.handled.length], [0, 0]);
  await all.pass(10_000);
  assert.equal(successor.taken, 5);
  assert.ok(waiting.every((id) => successor.handled.some((one) => one.id === id)));
  assert.ok(successor.handovers.every(({ isRepeat }) => isRepeat));
  assert.equal(successor.buffer.depth().inFlight, 0);
  for (const id of waiting) assert.equal(await stateOf(successor, id), "delivered");
});

test("of several successors, one gets each notification", async (all) => {
  const dead = await all.add();
  const ids: string[] = [];
  for (let batch = 0; batch < 30; batch++) ids.push(...await dead.put(2));
  dead.clock.kill();
  const successors = [await all.add(), await all.add(), await all.add()];
  await all.pass(3 * LEASE_MS);
  assert.deepEqual(all.handled(), ids.toSorted());
  assert.equal(successors.reduce((sum, { taken }) => sum + taken, 0), ids.length);
});

test("a process that starts takes over at once from one that died long ago", async (all) => {
  const dead = await all.add();
  await dead.put(3);
  dead.clock.kill();
  await all.pass(2 * LEASE_MS);
  const successor = await all.add();
  assert.equal(successor.buffer.depth().inFlight, 3);
  await all.pass(1500);
  assert.deepEqual(successor.handovers.map(({ isRepeat }) => isRepeat), [true, true, true]);
});

test("a clean stop leaves everything to the others at once", async (all) => {
  const [stopping, successor] = [await all.add({ holds: true }), await all.add()];
  const ids = await stopping.put(2);
  await all.pass(1500);
  ids.forEach((id) => assert.ok(stopping.handled.some((one) => one.id === id)));
  const waiting = await stopping.put(1);
  await stopping.stop();
  await all.pass(3000);
  assert.deepEqual(successor.handled.map(({ id }) => id), [...ids, ...waiting]);
});

test("a paused process settles nothing that others have taken over", async (all) => {
  const [paused, successor] = [await all.add({ holds: true }), await all.add()];
  const ids = [...await paused.put(1), ...await paused.put(1)];
  await all.pass(1500);
  await paused.put(1);
  settleAs(paused, ids[0]!, "dead"); // the record is not written yet
  paused.clock.pause();
  await all.pass(2 * LEASE_MS);
  assert.equal(successor.handled.length, 3);
  paused.clock.resume();
  settleAs(paused, ids[1]!, "dead");
  await all.pass(5000);
  assert.deepEqual([paused.lost, paused.handled.length], [1, 2]);
  for (const id of ids) {
    assert.equal(await stateOf(successor, id), "delivered");
    assert.equal(await stateOf(paused, id), "delivered");
  }
  assert.equal(paused.buffer.depth().inFlight, 0);
});

test("a process that was paused works on what it accepts after that", async (all) => {
  const [paused, successor] = [await all.add(), await all.add()];
  await paused.put(1);
  paused.clock.pause();
  await all.pass(2 * LEASE_MS);
  paused.clock.resume();
  await assert.rejects(
    paused.put(1), // before it has noticed
    (thrown) => thrown instanceof ServiceError && thrown.retryAfterSeconds === 1,
  );
  const [id] = await paused.put(1);
  await all.pass(2 * LEASE_MS);
  assert.deepEqual(paused.handled.map((one) => one.id), [id]);
  assert.deepEqual([paused.lost, successor.handled.length], [1, 1]);
  assert.equal(await stateOf(successor, id!), "delivered");
});

test("a process that was paused hands over nothing before its lease is renewed", async (all) => {
  const paused = await all.add();
  const ids = await paused.put(3);
  paused.clock.pause();
  await all.pass(2 * LEASE_MS); // no process takes over
  paused.store.cutOff(true);
  paused.clock.resume();
  await all.pass(3000);
  assert.equal(paused.handled.length, 0);
  paused.store.cutOff(false);
  await all.pass(4000);
  assert.deepEqual(paused.handled.map(({ id }) => id), ids);
  assert.deepEqual([paused.lost, paused.handovers[0]], [0, { isRepeat: false }]);
});

test("a process that takes over its own notifications after a pause hands them over again", async (all) => {
  const paused = await all.add({ holds: true });
  const ids = await paused.put(2);
  await all.pass(1500);
  paused.clock.pause();
  const deletes: StoreKey[] = []; // as a successor does that dies before it has moved anything
  for await (const { key } of all.store.list({ prefix: ["node"] })) deletes.push(key);
  await all.store.commit({ deletes });
  await all.pass(2 * LEASE_MS);
  paused.holds = false;
  paused.clock.resume();
  await all.pass(5000);
  assert.deepEqual(paused.handled.map(({ id }) => id), [...ids, ...ids]);
  assert.deepEqual(paused.handovers.map(({ isRepeat }) => isRepeat), [false, false, true, true]);
  assert.equal(paused.buffer.depth().inFlight, 0);
});

for (const skewMs of [-14_000, 14_000]) {
  test(`a clock that is ${skewMs} ms wrong does no harm`, async (all) => {
    const [right, wrong] = [await all.add(), await all.add({ skewMs })];
    const ids: string[] = [];
    for (let batch = 0; batch < 6; batch++) {
      ids.push(...await right.put(2), ...await wrong.put(2));
      await all.pass(9_700);
    }
    assert.deepEqual(all.handled(), ids.toSorted());
    assert.equal(right.lost + wrong.lost + right.taken + wrong.taken, 0);
    await right.put(2);
    right.clock.kill();
    await all.pass(4 * LEASE_MS);
    assert.equal(wrong.taken, 2);
  });
}

test("the newer notification wins, also over an older one that is taken over later", async (all) => {
  const settings = { delayDuration: 40_000, maxDelayDuration: 40_000 };
  const [dead, successor] = [await all.add({ settings }), await all.add({ settings })];
  const topic = "ox:mail:new";
  const mail = { folder: "a", id: "1" };
  const [older] = await dead.put(1, { topic, data: JSON.stringify({ ...mail, unread: 1 }) });
  dead.clock.kill();
  await all.pass(1000);
  const [newer] = await successor.put(1, { topic, data: JSON.stringify({ ...mail, unread: 2 }) });
  await all.pass(60_000);
  const seen = successor.handled.map((
    one,
    at,
  ) => [one.id, parseData(one)["unread"], successor.handovers[at]]);
  assert.deepEqual(seen, [[newer, 2, { isRepeat: true }]]);
  assert.equal(await stateOf(successor, older!), "suppressed");
});

test("a process takes over no more than it has room for; the rest stays for others", async (all) => {
  const dead = await all.add();
  for (let batch = 0; batch < 40; batch++) await dead.put(1);
  dead.clock.kill();
  const small = await all.add({ holds: true, settings: { maxNotifications: 10 } });
  await all.pass(3 * LEASE_MS);
  assert.ok(small.taken >= 10 && small.taken <= 20, `${small.taken}`);
  const large = await all.add();
  await all.pass(3 * LEASE_MS);
  assert.equal(small.taken + large.handled.length, 40);
});

test("a partly settled segment keeps its records when another process takes it over", async (all) => {
  const [dead, successor] = [await all.add({ holds: true }), await all.add()];
  const ids = await dead.put(4);
  await all.pass(1500);
  settleAs(dead, ids[1]!, "dead");
  settleAs(dead, ids[2]!, "expired");
  await all.pass(1500);
  dead.clock.kill();
  await all.pass(3 * LEASE_MS);
  assert.deepEqual(successor.handled.map(({ id }) => id), [ids[0], ids[3]]);
  const states = await Promise.all(ids.map((id) => stateOf(successor, id)));
  assert.deepEqual(states, ["delivered", "dead", "expired", "delivered"]);
});

test("a notification whose commit seemed to fail but was stored is handed over", async (all) => {
  const [dead, successor] = [await all.add(), await all.add()];
  const left = await dead.put(2);
  dead.clock.kill();
  await all.pass(LEASE_MS - 1000);
  successor.store.loseAnswers(true);
  await assert.rejects(successor.put(1));
  await all.pass(LEASE_MS);
  assert.equal(successor.handled.length, 0);
  successor.store.loseAnswers(false);
  await all.pass(LEASE_MS);
  assert.deepEqual(successor.handled.slice(-2).map(({ id }) => id).toSorted(), left.toSorted());
  assert.equal(successor.handled.length, 3);
  assert.equal(successor.buffer.depth().inFlight, 0);
  for await (const { key } of all.store.list({ prefix: ["log"] })) assert.fail(String(key));
});

test("a segment that was moved and could not be read at once is read later", async (all) => {
  const [dead, successor] = [await all.add({ holds: true }), await all.add()];
  const ids = await dead.put(2);
  await all.pass(1500);
  settleAs(dead, ids[0]!, "dead");
  await all.pass(1500);
  dead.clock.kill();
  const { getMany } = successor.store;
  successor.store.getMany = () =>
    Promise.reject(new ServiceError("store_unavailable", "Cannot read: the store is away"));
  await all.pass(2 * LEASE_MS);
  assert.deepEqual([successor.taken, successor.faults.length > 0], [0, true]);
  successor.store.getMany = getMany;
  await all.pass(5000);
  assert.deepEqual(successor.handled.map(({ id }) => id), [ids[1]]);
  assert.deepEqual([await stateOf(successor, ids[0]!), successor.taken], ["dead", 1]);
});

test("leases of dead processes are removed", async (all) => {
  for (let n = 0; n < 3; n++) (await all.add()).clock.kill();
  const last = await all.add();
  await all.pass(4 * LEASE_MS);
  const keys: unknown[] = [];
  for await (const { key } of all.store.list({ prefix: ["node"] })) keys.push(key);
  assert.equal(keys.length, 2);
  await last.stop();
  for await (const { key } of all.store.list({ prefix: ["node"] })) assert.fail(String(key));
});

Deno.test("isGone() is true once a lease has certainly run out, and not before", () => {
  const leaseMs = 10;
  const at = (now: number, unchangedMs: number) =>
    isGone({ until: 100, unchangedMs }, { now, leaseMs });
  assert.deepEqual(
    [at(99, 1000), at(100, 9), at(100, 10), at(109, 0), at(110, 0)],
    [false, false, true, false, true],
  );
});

function settleAs({ buffer, handled }: Isolate, id: string, state: "dead" | "expired"): void {
  const { context, user, topic, acceptedAt } = handled.find((one) => one.id === id)!;
  buffer.settle({ id, context, user, topic, acceptedAt, state, targets: [] });
}
