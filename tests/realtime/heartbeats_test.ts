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
