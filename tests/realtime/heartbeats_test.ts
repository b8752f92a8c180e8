import assert from "node:assert/strict";
import { Heartbeats, type HeartbeatTarget } from "../../realtime/_heartbeats.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("heartbeats come when due, and the timer stops while there are no targets", async () => {
  const clock = new FakeClock();
  const heartbeats = new Heartbeats(clock, 1000);
  const seen: number[] = [];
  const target: HeartbeatTarget & { heartbeatAt: number } = {
    heartbeatAt: 100,
    heartbeat() {
      seen.push(clock.monotonic());
      this.heartbeatAt += 100;
      if (seen.length === 3) heartbeats.remove(this);
    },
  };
  heartbeats.add(target);
  await clock.advance(1000);
  assert.deepEqual(seen, [100, 200, 300]);
  assert.equal(clock.timers, 0);
});

Deno.test("heartbeats that are due at once come a few at a time, all of them within a hundredth of the timeout", async () => {
  const clock = new FakeClock();
  const heartbeats = new Heartbeats(clock, 20_000);
  const counts = new Map<number, number>();
  const last: number[] = [];
  for (let n = 0; n < 1000; n++) {
    const target: HeartbeatTarget & { heartbeatAt: number } = {
      heartbeatAt: 1000,
      heartbeat() {
        const now = clock.monotonic();
        counts.set(now, (counts.get(now) ?? 0) + 1);
        last[n] = now;
        this.heartbeatAt += 1000;
      },
    };
    heartbeats.add(target);
  }
  await clock.advance(1200);
  assert.equal(last.filter((at) => at >= 1000).length, 1000);
  assert.equal(Math.max(...counts.values()), 125);
  await clock.advance(1000);
  assert.equal(last.filter((at) => at >= 2000).length, 1000);
});
