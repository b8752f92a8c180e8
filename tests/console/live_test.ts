import assert from "node:assert/strict";
import { LiveFeed } from "../../console/mod.ts";
import type { Clock } from "../../core/clock.ts";
import type { NodeReport } from "../../core/node_report.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

function report(accepted: number): NodeReport {
  return {
    ...{ node: "a", address: "127.0.0.1:1", at: 0, version: "1", ready: true, failed: [] },
    ...{ sockets: {}, retriesWaiting: 0, queues: [], accepted, settled: {}, outcomes: [] },
    ...{ buffer: { waiting: 0, due: 0, running: 0, inFlight: 0 }, credentials: [] },
  };
}

/** A clock that counts the timers that are set. */
class CountingClock implements Clock {
  timers = 0;

  constructor(readonly inner: FakeClock) {}

  now = () => this.inner.now();
  monotonic = () => this.inner.monotonic();
  after(ms: number, run: () => void) {
    this.timers++;
    return this.inner.after(ms, run);
  }
}

async function pass(clock: FakeClock, ms: number): Promise<void> {
  await clock.advance(ms);
  for (let turn = 0; turn < 5; turn++) await settle();
}

Deno.test("nobody looks: no timer is set and no report is asked for", async () => {
  const inner = new FakeClock();
  const clock = new CountingClock(inner);
  let asked = 0;
  using live = new LiveFeed({ clock, reports: () => Promise.resolve([report(++asked)]) });
  await pass(inner, 60_000);
  assert.deepEqual([clock.timers, asked, live.viewers], [0, 0, 0]);
});

Deno.test("ten viewers cost what one does, and the last one ends it", async () => {
  const inner = new FakeClock();
  const clock = new CountingClock(inner);
  let asked = 0;
  using live = new LiveFeed({ clock, reports: () => Promise.resolve([report(++asked)]) });
  let seen = 0;
  const stops = Array.from({ length: 10 }, () => live.watch(() => seen++));
  await pass(inner, 0);
  for (let tick = 0; tick < 5; tick++) await pass(inner, 2_000);
  assert.deepEqual([asked, seen], [6, 60]);
  for (const stop of stops) stop();
  const { timers } = clock;
  await pass(inner, 60_000);
  assert.deepEqual([asked, clock.timers, live.viewers], [6, timers, 0]);
});

Deno.test("the samples of the chart are kept while somebody looks, and not longer", async () => {
  const clock = new FakeClock();
  let accepted = 0;
  using live = new LiveFeed({ clock, reports: () => Promise.resolve([report(accepted += 10)]) });
  let samples: readonly number[] = [];
  const watch = () =>
    live.watch((state) => samples = state.samples.map(({ accepted }) => accepted));
  const stop = watch();
  await pass(clock, 0);
  for (let tick = 0; tick < 200; tick++) await pass(clock, 2_000);
  assert.equal(samples.length, 120);
  stop();
  watch();
  await pass(clock, 0);
  assert.equal(samples.length, 1);
});
