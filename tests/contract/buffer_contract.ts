/** The contract of every buffer, as one suite over a factory. */

import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { parseData } from "../../core/notification.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { type BufferUnderTest, DEFAULTS, delivered, rulesFor } from "./_buffer_bench.ts";
import { testCancel } from "./buffer_cancel_contract.ts";
import { testHandover } from "./buffer_handover_contract.ts";
import { testList } from "./buffer_list_contract.ts";

export { type BufferUnderTest, DEFAULTS };

/** Registers the suite. */
export function testBuffer(name: string, create: () => Promise<BufferUnderTest>): void {
  const test = rulesFor(name, create);

  test("a notification is handed over at the first tick after its delay, and not before", async (bench) => {
    await bench.buffer.put([bench.make()]);
    await bench.pass(999);
    assert.equal(bench.handled.length, 0);
    await bench.pass(501);
    assert.equal(bench.handled.length, 1);
  });

  test("with a delay of 0, a notification is handed over at once", async (bench) => {
    bench.settings = { ...DEFAULTS, delayDuration: 0, maxDelayDuration: 0 };
    await bench.buffer.put([bench.make()]);
    await bench.pass(0);
    assert.equal(bench.handled.length, 1);
  });

  test("medium priority waits twice as long as high, and low four times", async (bench) => {
    await bench.buffer.put([
      bench.make({ priority: "low", data: JSON.stringify({ n: 4 }) }),
      bench.make({ priority: "medium", data: JSON.stringify({ n: 2 }) }),
      bench.make({ priority: "high", data: JSON.stringify({ n: 1 }) }),
    ]);
    const order = [];
    for (let second = 0; second < 5; second++) {
      await bench.pass(1000);
      order.push(bench.handled.length);
    }
    assert.deepEqual(order, [1, 2, 2, 3, 3]);
    assert.deepEqual(bench.handled.map((one) => parseData(one)["n"]), [1, 2, 4]);
  });

  test("similar notifications become one, and the record of the older names the newer", async (bench) => {
    const older = bench.make({ data: JSON.stringify({ folder: "a", id: "1", unread: 1 }) });
    const newer = bench.make({ data: JSON.stringify({ folder: "a", id: "1", unread: 2 }) });
    await bench.buffer.put([older]);
    await bench.buffer.put([newer]);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map((one) => [one.id, parseData(one)["unread"]]), [[
      newer.id,
      2,
    ]]);
    const record = await bench.buffer.find(older.id) as LedgerRecord;
    assert.deepEqual([record.state, record.reason, record.mergedInto], [
      "suppressed",
      "merged",
      newer.id,
    ]);
  });

  test("by default, a similar notification that arrives delays nothing", async (bench) => {
    await bench.buffer.put([bench.make()]);
    await bench.pass(900);
    await bench.buffer.put([bench.make()]);
    await bench.pass(600);
    assert.equal(bench.handled.length, 1);
  });

  test("with a longer maxDelayDuration, similar notifications delay up to it and no longer", async (bench) => {
    bench.settings = { ...DEFAULTS, maxDelayDuration: 3000, timerFrequency: 100 };
    for (let i = 0; i < 4; i++) {
      await bench.buffer.put([bench.make()]);
      await bench.pass(700);
    }
    assert.equal(bench.handled.length, 0, "2.8 s, put off three times");
    await bench.pass(300);
    assert.equal(bench.handled.length, 1, "3.1 s");
  });

  test("an urgent notification shortens the wait of a similar one", async (bench) => {
    await bench.buffer.put([bench.make({ priority: "low" })]);
    await bench.buffer.put([bench.make({ priority: "high" })]);
    await bench.pass(1500);
    assert.equal(bench.handled.length, 1);
  });

  test("a crash before anything was handed over loses nothing", async (bench) => {
    const given = [1, 2, 3].map((n) => bench.make({ data: JSON.stringify({ n }) }));
    await bench.buffer.put(given);
    assert.equal(await bench.crash(), 3);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map(({ id }) => id), given.map(({ id }) => id));
  });

  test("after a crash between hand-over and settling, a notification is handed over again", async (bench) => {
    bench.settleAtOnce = false;
    const one = bench.make();
    await bench.buffer.put([one]);
    await bench.pass(1500);
    assert.equal(bench.handled.length, 1);
    assert.equal(await bench.crash(), 1);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map(({ id }) => id), [one.id]);
  });

  test("after a crash, a settled notification is not handed over again and has its record", async (bench) => {
    const one = bench.make();
    await bench.buffer.put([one]);
    await bench.pass(1500);
    assert.equal(await bench.crash(), 0);
    assert.equal((await bench.buffer.find(one.id) as LedgerRecord).state, "delivered");
  });

  test("after a crash with half a batch settled, the rest is handed over and every record kept", async (bench) => {
    bench.settleAtOnce = false;
    const given = Array.from({ length: 9 }, (_, n) => bench.make({ data: JSON.stringify({ n }) }));
    await bench.buffer.put(given);
    await bench.pass(1500);
    for (const index of [0, 2, 5, 8]) bench.buffer.settle(delivered(given[index]!));
    await bench.pass(1100);
    assert.equal(await bench.crash(), 5);
    bench.settleAtOnce = true;
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map((one) => parseData(one)["n"]), [1, 3, 4, 6, 7]);
    await bench.pass(1100);
    await bench.crash();
    for (const { id } of given) {
      const found = await bench.buffer.find(id) as LedgerRecord;
      assert.deepEqual([found?.id, found?.state], [id, "delivered"]);
    }
  });

  test("merged notifications survive a crash with all their data", async (bench) => {
    const topic = "ox:calendar:updates";
    await bench.buffer.put([bench.make({ topic, data: JSON.stringify({ folders: ["a"] }) })]);
    await bench.buffer.put([bench.make({ topic, data: JSON.stringify({ folders: ["b"] }) })]);
    await bench.crash();
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map(parseData), [{ folders: ["a", "b"] }]);
  });

  test("the queue of the processors stays bounded, and everything is handed over", async (bench) => {
    bench.settings = { ...DEFAULTS, numProcessorThreads: 1, maxProcessorTasks: 2 };
    const given = Array.from({ length: 50 }, (_, n) => bench.make({ data: JSON.stringify({ n }) }));
    await bench.buffer.put(given);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map((one) => parseData(one)["n"]), given.map((_, n) => n));
  });

  test("a full buffer refuses with a retry time, and accepts more once it has room", async (bench) => {
    bench.settings = { ...DEFAULTS, maxNotifications: 2 };
    await bench.buffer.put([
      bench.make({ data: JSON.stringify({ n: 1 }) }),
      bench.make({ data: JSON.stringify({ n: 2 }) }),
    ]);
    await assert.rejects(
      bench.buffer.put([bench.make({ data: JSON.stringify({ n: 3 }) })]),
      (error) =>
        error instanceof ServiceError && error.code === "buffer_full" &&
        error.retryAfterSeconds === 1,
    );
    await bench.pass(1500);
    await bench.buffer.put([bench.make({ data: JSON.stringify({ n: 3 }) })]);
    await bench.pass(1500);
    assert.equal(bench.handled.length, 3);
  });

  test("a buffer with too many bytes refuses, and accepts more once they are settled", async (bench) => {
    bench.settings = { ...DEFAULTS, maxBytes: 1000 };
    await bench.buffer.put([bench.make({ data: JSON.stringify({ text: "x".repeat(2000) }) })]);
    await assert.rejects(
      bench.buffer.put([bench.make()]),
      (error) => error instanceof ServiceError && error.code === "buffer_full",
    );
    await bench.pass(1500);
    await bench.buffer.put([bench.make()]);
  });

  test("a clean stop hands over what is due and keeps the rest", async (bench) => {
    await bench.buffer.put([bench.make({ data: JSON.stringify({ n: 1 }) })]);
    await bench.pass(900);
    await bench.buffer.put([bench.make({ data: JSON.stringify({ n: 2 }) })]);
    bench.under.clock.jump(0);
    await bench.under.clock.advance(100); // due, but no tick since
    await bench.buffer.stop();
    await bench.buffer.close();
    assert.deepEqual(bench.handled.map((one) => parseData(one)["n"]), [1]);
    await assert.rejects(
      bench.buffer.put([bench.make()]),
      (error) => error instanceof ServiceError && error.code === "draining",
    );
    assert.equal(await bench.crash(), 1);
    await bench.pass(1500);
    assert.deepEqual(bench.handled.map((one) => parseData(one)["n"]), [2]);
  });

  test("while the store cannot be written, put() fails, and records are written later", async (bench) => {
    const one = bench.make();
    await bench.buffer.put([one]);
    bench.under.breakStore(true);
    await assert.rejects(bench.buffer.put([bench.make({ data: JSON.stringify({ n: 2 }) })]));
    await bench.pass(1500);
    assert.equal(bench.handled.length, bench.under.worksFromMemory ?? true ? 1 : 0);
    bench.under.breakStore(false);
    await bench.pass(2500);
    assert.equal(bench.handled.length, 1);
    assert.equal(await bench.crash(), 0);
    assert.equal((await bench.buffer.find(one.id) as LedgerRecord).state, "delivered");
  });

  test("a wall clock that jumps changes no delay", async (bench) => {
    await bench.buffer.put([bench.make({ data: JSON.stringify({ n: 1 }) })]);
    bench.under.clock.jump(-86_400_000);
    await bench.pass(1500);
    assert.equal(bench.handled.length, 1);
    await bench.buffer.put([bench.make({ data: JSON.stringify({ n: 2 }) })]);
    bench.under.clock.jump(2 * 86_400_000);
    await bench.pass(999);
    assert.equal(bench.handled.length, 1);
    await bench.pass(501);
    assert.equal(bench.handled.length, 2);
    assert.equal(await bench.crash(), 0);
  });

  test("a notification as large as a value allows is accepted, and a larger one is refused", async (bench) => {
    await bench.buffer.put([bench.make({ data: JSON.stringify({ text: "x".repeat(60_000) }) })]);
    await assert.rejects(
      bench.buffer.put([bench.make({ data: JSON.stringify({ text: "x".repeat(66_000) }) })]),
      (error) => error instanceof ServiceError && error.code === "payload_too_large",
    );
    await bench.pass(1500);
    assert.equal(bench.handled.length, 1);
  });

  test("texts of every script are kept, alone, together and at the limit", async (bench) => {
    const texts = ["ä", "漢", "🔔", "漢".repeat(16_000), "x".repeat(40_000) + "🔔"];
    for (const text of texts) {
      await bench.buffer.put([bench.make({ data: JSON.stringify({ text }) })]);
    }
    await bench.buffer.put(
      texts.slice(0, 3).map((text) => bench.make({ data: JSON.stringify({ text, n: 2 }) })),
    );
    await bench.crash();
    await bench.pass(1500);
    const kept = bench.handled.map((one) => parseData(one)["text"]);
    assert.deepEqual(kept, [...texts, ...texts.slice(0, 3)]);
  });

  test("a record can be amended, in memory and after a crash", async (bench) => {
    const one = bench.make();
    await bench.buffer.put([one]);
    await bench.pass(1500);
    assert.equal(
      await bench.buffer.amend(one, (record) => ({ ...record, state: "dead" })),
      true,
    );
    await bench.pass(1100);
    await bench.crash();
    assert.equal((await bench.buffer.find(one.id) as LedgerRecord).state, "dead");
    await bench.buffer.amend(one, (record) => ({ ...record, state: "expired" }));
    assert.equal((await bench.buffer.find(one.id) as LedgerRecord).state, "expired");
    assert.equal(await bench.buffer.amend({ ...one, id: bench.ids() }, (record) => record), false);
  });

  test("a batch is accepted as a whole or not at all", async (bench) => {
    const large = { text: "x".repeat(50_000) };
    const batch = Array.from(
      { length: 20 },
      (_, n) => bench.make({ data: JSON.stringify({ n, ...large }) }),
    );
    await assert.rejects(bench.buffer.put(batch));
    assert.equal(bench.buffer.depth().inFlight, 0);
    assert.equal(await bench.crash(), 0);
  });

  testHandover(test);
  testCancel(test);
  testList(test);
}
