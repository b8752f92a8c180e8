import assert from "node:assert/strict";
import { ServiceError } from "../../core/errors.ts";
import { type DeferredReceipt, DeferredReceipts } from "../../delivery/deferred_receipts.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

const NAME = { id: "n", context: "1", user: "7" };

/** Late arrivals, and every attempt to write one down, with what it comes to. */
function open(outcome: (arrival: DeferredReceipt) => boolean | Promise<boolean> = () => true) {
  const clock = new FakeClock();
  const tried: DeferredReceipt[] = [];
  const arrivals = new DeferredReceipts({
    clock,
    async amend(arrival) {
      tried.push(arrival);
      return await outcome(arrival);
    },
  });
  return { clock, tried, arrivals };
}

Deno.test("the ledger hears of an arrival a moment later, once, and when it was", async () => {
  const { clock, tried, arrivals } = open();
  const at = clock.now();
  arrivals.add(NAME, "mail");
  await clock.advance(60);
  arrivals.add(NAME, "mail");
  await clock.advance(39);
  assert.deepEqual(tried, []);
  await clock.advance(1);
  assert.deepEqual(tried, [{ name: NAME, client: "mail", at }]);
  await clock.advance(60_000);
  assert.equal(tried.length, 1);
  assert.deepEqual([arrivals.waiting, clock.timers], [0, 0]);
});

Deno.test("each waits its moment, also where others wait already", async () => {
  const { clock, tried, arrivals } = open();
  arrivals.add(NAME, "mail");
  await clock.advance(50);
  arrivals.add(NAME, "phone");
  await clock.advance(50);
  assert.deepEqual(tried.map(({ client }) => client), ["mail"]);
  await clock.advance(100);
  assert.deepEqual(tried.map(({ client }) => client), ["mail", "phone"]);
});

Deno.test("where there is no record yet, or the store is away, it is tried again", async () => {
  const outcomes: (() => boolean)[] = [
    () => false,
    () => {
      throw new ServiceError("store_unavailable", "Cannot reach Redis");
    },
    () => true,
  ];
  const { clock, tried, arrivals } = open(() => outcomes.shift()!());
  arrivals.add(NAME, "mail");
  await clock.advance(1000);
  assert.equal(tried.length, 1);
  await clock.advance(200);
  assert.equal(tried.length, 2);
  await clock.advance(60_000);
  assert.equal(tried.length, 3);
});

Deno.test("after three more tries it is given up", async () => {
  const { clock, tried, arrivals } = open(() => false);
  arrivals.add(NAME, "mail");
  await clock.advance(60_000);
  assert.equal(tried.length, 4);
  assert.deepEqual([arrivals.waiting, clock.timers], [0, 0]);
});

Deno.test("a few are written at a time, and of too many the newest are dropped", async () => {
  let running = 0;
  let most = 0;
  const { clock, tried, arrivals } = open(async () => {
    most = Math.max(most, ++running);
    await settle(1);
    running--;
    return true;
  });
  for (let n = 0; n < 10_100; n++) arrivals.add({ ...NAME, id: `${n}` }, "mail");
  assert.equal(arrivals.waiting, 10_000);
  await clock.advance(100);
  while (arrivals.waiting > 0) await settle();
  assert.equal(most, 8);
  assert.deepEqual(
    tried.map(({ name }) => name.id),
    Array.from({ length: 10_000 }, (_, n) => `${n}`),
  );
});

Deno.test("a flush tries each once, due or not, and a close forgets the rest", async () => {
  const { clock, tried, arrivals } = open(({ client }) => client === "mail");
  arrivals.add(NAME, "mail");
  arrivals.add(NAME, "phone");
  await arrivals.flush();
  assert.deepEqual(tried.map(({ client }) => client), ["mail", "phone"]);
  assert.equal(arrivals.waiting, 1);
  arrivals.close();
  arrivals.add({ ...NAME, id: "m" }, "mail");
  await clock.advance(60_000);
  assert.equal(tried.length, 2);
  assert.deepEqual([arrivals.waiting, clock.timers], [0, 0]);
});

Deno.test("a flush that is cut short goes on with nothing", async () => {
  const answer = Promise.withResolvers<boolean>();
  const { tried, arrivals } = open(() => answer.promise);
  for (let n = 0; n < 20; n++) arrivals.add({ ...NAME, id: `${n}` }, "mail");
  const flushed = arrivals.flush();
  await settle();
  arrivals.close();
  answer.resolve(false);
  await flushed;
  assert.deepEqual([tried.length, arrivals.waiting], [8, 0]);
});
