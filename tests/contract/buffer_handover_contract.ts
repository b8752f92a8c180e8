/** The contract of every buffer for repeated hand-overs and fair order. */

import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { parseData } from "../../core/notification.ts";
import type { Notification } from "../../core/notification.ts";
import { DEFAULTS, delivered, type Rule } from "./_buffer_bench.ts";

/** Registers the rules. */
export function testHandover(test: Rule): void {
  test("the first hand-over of a notification is no repeat", async (bench) => {
    await bench.buffer.put([1, 2, 3].map((n) => bench.make({ data: JSON.stringify({ n }) })));
    await bench.pass(1500);
    assert.deepEqual(bench.isRepeat, [false, false, false]);
  });

  test("the hand-over after a crash is a repeat", async (bench) => {
    bench.settleAtOnce = false;
    await bench.buffer.put([bench.make()]);
    await bench.pass(1500);
    await bench.crash();
    await bench.pass(1500);
    assert.deepEqual(bench.isRepeat, [true]);
  });

  test("notifications not settled by a handler that rejects are handed over again after a pause", async (bench) => {
    const [settled, left] = [1, 2].map((n) => bench.make({ data: JSON.stringify({ n }) }));
    bench.onBatch = (batch, { isRepeat }) => {
      if (isRepeat) return;
      for (const one of batch) if (one.id === settled!.id) bench.buffer.settle(delivered(one));
      throw new ServiceError("store_unavailable", "Cannot look up subscriptions");
    };
    await bench.buffer.put([settled!, left!]);
    await bench.pass(1500);
    const seen = () => bench.handled.map(({ id }, index) => [id, bench.isRepeat[index]]);
    assert.deepEqual(seen(), [[settled!.id, false], [left!.id, false]]);
    await bench.pass(2500);
    assert.deepEqual(seen().slice(2), [[left!.id, true]]);
    assert.equal((await bench.buffer.find(left!.id) as LedgerRecord).state, "delivered");
    assert.equal(bench.buffer.depth().inFlight, 0);
  });

  test("a released notification is handed over again after a pause, merged as before", async (bench) => {
    const topic = "ox:calendar:updates";
    const older = bench.make({ topic, data: JSON.stringify({ folders: ["a"] }) });
    const newer = bench.make({ topic, data: JSON.stringify({ folders: ["b"] }) });
    bench.settleAtOnce = false;
    await bench.buffer.put([older]);
    await bench.buffer.put([newer]);
    await bench.pass(1500);
    bench.settleAtOnce = true;
    bench.buffer.release(newer.id);
    await bench.pass(100);
    assert.equal(bench.handled.length, 1);
    await bench.pass(2500);
    assert.deepEqual(bench.handled.map((one) => [one.id, parseData(one)]), [
      [newer.id, { folders: ["a", "b"] }],
      [newer.id, { folders: ["a", "b"] }],
    ]);
    assert.deepEqual(bench.isRepeat, [false, true]);
    assert.equal((await bench.buffer.find(older.id) as LedgerRecord).mergedInto, newer.id);
  });

  test("a notification to be repeated is not merged with a new one that is similar", async (bench) => {
    const [first, second] = [bench.make(), bench.make()];
    bench.settleAtOnce = false;
    await bench.buffer.put([first]);
    await bench.pass(1500);
    bench.settleAtOnce = true;
    bench.buffer.release(first.id);
    await bench.pass(0);
    await bench.buffer.put([second]);
    await bench.pass(3000);
    const seen = bench.handled.map(({ id }, index) => `${id} ${bench.isRepeat[index]}`);
    assert.deepEqual(seen.toSorted(), [
      `${first.id} false`,
      `${first.id} true`,
      `${second.id} false`,
    ]);
  });

  test("release() ignores settled and unknown notifications", async (bench) => {
    const one = bench.make();
    await bench.buffer.put([one]);
    await bench.pass(1500);
    bench.buffer.release(one.id);
    bench.buffer.release(bench.ids());
    await bench.pass(2500);
    assert.equal(bench.handled.length, 1);
  });

  test("no batch mixes repeats and first hand-overs", async (bench) => {
    bench.settings = { ...DEFAULTS, numProcessorThreads: 1 };
    bench.settleAtOnce = false;
    const old = [1, 2, 3].map((n) => bench.make({ data: JSON.stringify({ n }) }));
    await bench.buffer.put(old);
    await bench.pass(1500);
    await bench.crash();
    bench.settleAtOnce = true;
    const given = Array.from(
      { length: 30 },
      (_, n) => bench.make({ data: JSON.stringify({ n: 10 + n }) }),
    );
    await bench.buffer.put(given);
    await bench.pass(3000);
    const isOld = ({ id }: Notification) => old.some((one) => one.id === id);
    assert.equal(bench.handled.length, 33);
    assert.deepEqual(bench.isRepeat, bench.handled.map(isOld));
  });

  test("a context with many notifications does not delay another one", async (bench) => {
    bench.settings = {
      ...DEFAULTS,
      ...{ numProcessorThreads: 1, maxProcessorTasks: 100, maxNotifications: 10_000 },
    };
    for (let batch = 0; batch < 6; batch++) {
      const noisy = Array.from(
        { length: 500 },
        (_, n) => bench.make({ data: JSON.stringify({ batch, n }) }),
      );
      await bench.buffer.put(noisy);
    }
    await bench.buffer.put([bench.make({ context: "quiet" })]);
    await bench.pass(5000);
    assert.equal(bench.handled.length, 3001);
    const place = bench.handled.findIndex(({ context }) => context === "quiet");
    assert.ok(place < 500, `it had place ${place}`);
  });
}
