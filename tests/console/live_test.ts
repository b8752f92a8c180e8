import assert from "node:assert/strict";
import { LiveFeed } from "../../console/mod.ts";
import type { LiveSample } from "../../console/live.ts";
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

/** Watches for some ticks; returns the times and counters of the samples. */
async function samplesAfter(live: LiveFeed, clock: FakeClock, ticks: number) {
  let samples: readonly LiveSample[] = [];
  const stop = live.watch((state) => samples = state.samples);
  await pass(clock, 0);
  for (let tick = 0; tick < ticks; tick++) await pass(clock, 2_000);
  stop();
  return samples.map(({ at, accepted }) => [at - clock.now(), accepted]);
}

Deno.test("the chart has the samples of the last four minutes, and the one before them", async () => {
  const clock = new FakeClock();
  let accepted = 0;
  using live = new LiveFeed({ clock, reports: () => Promise.resolve([report(accepted += 10)]) });
  const samples = await samplesAfter(live, clock, 200);
  assert.equal(samples.length, 122);
  assert.deepEqual([samples[0], samples.at(-1)], [[-242_000, 800], [0, 2_010]]);
});

Deno.test("the counters before and after a time when nobody looked are kept, for its mean", async () => {
  const clock = new FakeClock();
  let accepted = 0;
  using live = new LiveFeed({ clock, reports: () => Promise.resolve([report(accepted += 10)]) });
  await samplesAfter(live, clock, 2);
  await pass(clock, 3_600_000);
  assert.deepEqual(await samplesAfter(live, clock, 1), [[-3_602_000, 30], [-2_000, 40], [0, 50]]);
});

Deno.test("readings that follow one another at once are one sample", async () => {
  const clock = new FakeClock();
  let accepted = 0;
  using live = new LiveFeed({ clock, reports: () => Promise.resolve([report(accepted += 10)]) });
  for (let load = 0; load < 3; load++) {
    await live.once();
    await pass(clock, 600);
  }
  assert.deepEqual(await samplesAfter(live, clock, 0), [[-1_800, 10], [-600, 30]]);
});

Deno.test("at the first look, the mean since the start of the oldest node is known", async () => {
  const clock = new FakeClock();
  const start = clock.now();
  await pass(clock, 60_000);
  const reports = [
    { ...report(30), startedAt: start + 40_000 },
    { ...report(90), startedAt: start },
    // An older version does not tell.
    report(0),
  ];
  using live = new LiveFeed({ clock, reports: () => Promise.resolve(reports) });
  assert.deepEqual(await samplesAfter(live, clock, 0), [[-60_000, 0], [0, 120]]);
});
