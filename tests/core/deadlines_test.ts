import assert from "node:assert/strict";
import { Deadlines } from "../../core/deadlines.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("operations that begin within a sixteenth of their time share a signal and a timer", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const first = deadlines.start(1600);
  await clock.advance(99);
  const second = deadlines.start(1600);
  await clock.advance(1);
  const third = deadlines.start(1600);
  assert.equal(second.signal, first.signal);
  assert.notEqual(third.signal, first.signal);
  assert.equal(clock.timers, 2);
});

Deno.test("a signal is aborted when the first operation's time is over, and not before", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const { signal } = deadlines.start(1600);
  await clock.advance(1599);
  assert.equal(signal.aborted, false);
  await clock.advance(1);
  assert.equal(signal.aborted, true);
});

Deno.test("an operation that begins after an abort has all of its time", async () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  deadlines.start(1600);
  await clock.advance(1600);
  const { signal } = deadlines.start(1600);
  assert.equal(signal.aborted, false);
  await clock.advance(1600);
  assert.equal(signal.aborted, true);
});

Deno.test("operations with different times do not share", () => {
  const deadlines = new Deadlines(new FakeClock());
  assert.notEqual(deadlines.start(100).signal, deadlines.start(200).signal);
});

Deno.test("no timer is left once the last operation has ended", () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock);
  const all = [100, 100, 200, 100].map((timeoutMs) => deadlines.start(timeoutMs));
  for (const deadline of all) deadlines.end(deadline);
  assert.equal(clock.timers, 0);
});
