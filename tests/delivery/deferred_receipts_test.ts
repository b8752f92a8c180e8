import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { type DeferredReceipt, DeferredReceipts } from "../../delivery/deferred_receipts.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const NAME = { id: "n", context: "1", user: "7" };

/** A receipt queue, and every attempt to write a receipt with its result. */
function open(outcome: (receipt: DeferredReceipt) => boolean | Promise<boolean> = () => true) {
  const clock = new FakeClock();
  const tried: DeferredReceipt[] = [];
  const receipts = new DeferredReceipts({
    clock,
    async amend(receipt) {
      tried.push(receipt);
      return await outcome(receipt);
    },
  });
  return { clock, tried, receipts };
}

Deno.test("a receipt is written a moment later, once, with the time of the delivery", async () => {
  const { clock, tried, receipts } = open();
  const at = clock.now();
  receipts.add(NAME, "mail");
  await clock.advance(60);
  receipts.add(NAME, "mail");
  await clock.advance(39);
  assert.deepEqual(tried, []);
  await clock.advance(1);
  assert.deepEqual(tried, [{ name: NAME, client: "mail", at }]);
  await clock.advance(60_000);
  assert.equal(tried.length, 1);
  assert.deepEqual([receipts.waiting, clock.timers], [0, 0]);
});

Deno.test("each receipt waits its own moment, even while others wait", async () => {
  const { clock, tried, receipts } = open();
  receipts.add(NAME, "mail");
  await clock.advance(50);
  receipts.add(NAME, "phone");
  await clock.advance(50);
  assert.deepEqual(tried.map(({ client }) => client), ["mail"]);
  await clock.advance(100);
  assert.deepEqual(tried.map(({ client }) => client), ["mail", "phone"]);
});

Deno.test("without a record, or without the store, a receipt is tried again", async () => {
  const outcomes: (() => boolean)[] = [
    () => false,
    () => {
      throw new ServiceError("store_unavailable", "Cannot reach Redis");
    },
    () => true,
  ];
  const { clock, tried, receipts } = open(() => outcomes.shift()!());
  receipts.add(NAME, "mail");
  await clock.advance(1000);
  assert.equal(tried.length, 1);
  await clock.advance(200);
  assert.equal(tried.length, 2);
  await clock.advance(60_000);
  assert.equal(tried.length, 3);
});

Deno.test("a receipt is dropped after three more tries", async () => {
  const { clock, tried, receipts } = open(() => false);
  receipts.add(NAME, "mail");
  await clock.advance(60_000);
  assert.equal(tried.length, 4);
  assert.deepEqual([receipts.waiting, clock.timers], [0, 0]);
});

Deno.test("a few receipts are written at once, and a full queue drops new ones", async () => {
  let running = 0;
  let most = 0;
  const { clock, tried, receipts } = open(async () => {
    most = Math.max(most, ++running);
    await settle(1);
    running--;
    return true;
  });
  for (let n = 0; n < 10_100; n++) receipts.add({ ...NAME, id: `${n}` }, "mail");
  assert.equal(receipts.waiting, 10_000);
  await clock.advance(100);
  while (receipts.waiting > 0) await settle();
  assert.equal(most, 8);
  assert.deepEqual(
    tried.map(({ name }) => name.id),
    Array.from({ length: 10_000 }, (_, n) => `${n}`),
  );
});

Deno.test("flush() tries each receipt once, due or not, and close() drops the rest", async () => {
  const { clock, tried, receipts } = open(({ client }) => client === "mail");
  receipts.add(NAME, "mail");
  receipts.add(NAME, "phone");
  await receipts.flush();
  assert.deepEqual(tried.map(({ client }) => client), ["mail", "phone"]);
  assert.equal(receipts.waiting, 1);
  receipts.close();
  receipts.add({ ...NAME, id: "m" }, "mail");
  await clock.advance(60_000);
  assert.equal(tried.length, 2);
  assert.deepEqual([receipts.waiting, clock.timers], [0, 0]);
});

Deno.test("close() ends a running flush()", async () => {
  const answer = Promise.withResolvers<boolean>();
  const { tried, receipts } = open(() => answer.promise);
  for (let n = 0; n < 20; n++) receipts.add({ ...NAME, id: `${n}` }, "mail");
  const flushed = receipts.flush();
  await settle();
  receipts.close();
  answer.resolve(false);
  await flushed;
  assert.deepEqual([tried.length, receipts.waiting], [8, 0]);
});
