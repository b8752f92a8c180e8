import assert from "node:assert/strict";
import { mock } from "node:test";
import { sleep, systemClock, within } from "../../core/clock.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("sleep ends when its time has passed, and not before", async () => {
  const clock = new FakeClock();
  let over = false;
  const slept = sleep(clock, 1_000).then(() => over = true);
  await clock.advance(999);
  assert.equal(over, false);
  await clock.advance(1);
  await slept;
  assert.equal(clock.timers, 0);
});

Deno.test("sleep uses monotonic time, whatever the wall clock does", async () => {
  const clock = new FakeClock();
  let over = false;
  const slept = sleep(clock, 1_000).then(() => over = true);
  clock.jump(3_600_000);
  await clock.advance(999);
  assert.equal(over, false);
  clock.jump(-7_200_000);
  await clock.advance(1);
  await slept;
});

Deno.test("an abort ends a sleep with its reason and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const slept = assert.rejects(sleep(clock, 1_000, controller.signal), /enough/);
  controller.abort(new Error("enough"));
  await slept;
  assert.equal(clock.timers, 0);
});

Deno.test("a sleep on a signal that is aborted already does not begin", async () => {
  const clock = new FakeClock();
  await assert.rejects(sleep(clock, 1_000, AbortSignal.abort(new Error("enough"))), /enough/);
  assert.equal(clock.timers, 0);
});

Deno.test("an abort after the sleep changes nothing", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const slept = sleep(clock, 1, controller.signal);
  await clock.advance(1);
  await slept;
  controller.abort();
});

Deno.test("the system's monotonic time never goes back", () => {
  let last = systemClock.monotonic();
  for (let n = 0; n < 1_000; n++) {
    const now = systemClock.monotonic();
    assert.ok(now >= last);
    last = now;
  }
});

Deno.test("a system timer fires once, not at all when it is cancelled, and never early", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const fired: string[] = [];
    const timer = systemClock.after(100, () => fired.push("cancelled"));
    const kept = systemClock.after(100, () => fired.push("kept"));
    systemClock.after(-5, () => fired.push("at once"));
    // More than a timer can count: it must not fire at once.
    const distant = systemClock.after(2 ** 40, () => fired.push("distant"));
    timer.cancel();
    timer.cancel();
    mock.timers.tick(1);
    assert.deepEqual(fired, ["at once"]);
    mock.timers.tick(200);
    assert.deepEqual(fired, ["at once", "kept"]);
    kept.cancel();
    distant.cancel();
  } finally {
    mock.timers.reset();
  }
});

Deno.test("a wait with an end resolves with what it waits for, and leaves no timer", async () => {
  const clock = new FakeClock();
  await within(Promise.resolve(), { clock, ms: 1_000 });
  assert.equal(clock.timers, 0);
  await assert.rejects(within(Promise.reject(new Error("broke")), { clock, ms: 1_000 }), /broke/);
  assert.equal(clock.timers, 0);
});

Deno.test("a wait with an end ends on time", async () => {
  const clock = new FakeClock();
  let isOver = false;
  void within(new Promise(() => {}), { clock, ms: 1_000 }).then(() => isOver = true);
  await clock.advance(999);
  assert.equal(isOver, false);
  await clock.advance(1);
  assert.equal(isOver, true);
});
