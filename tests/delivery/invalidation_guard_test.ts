import assert from "node:assert/strict";
import { InvalidationGuard, type InvalidationWindow } from "../../delivery/invalidation_guard.ts";
import { FakeClock } from "../support/fake_clock.ts";

const APN = { transport: "apn", client: "ios" } as const;
const GCM = { transport: "gcm", client: "android" } as const;

function setUp() {
  const clock = new FakeClock();
  const spikes: InvalidationWindow[] = [];
  const removed: string[] = [];
  const settings = { windowMs: 10_000, minAnswers: 20, maxDeadShare: 0.5 };
  const guard = new InvalidationGuard({
    clock,
    settings,
    onSpike: (window) => spikes.push(window),
  });
  const dead = (queue: typeof APN | typeof GCM, token: string) =>
    guard.record(queue, () => Promise.resolve(void removed.push(token)));
  return { clock, guard, spikes, removed, dead };
}

Deno.test("a few dead tokens are removed when the window closes", async () => {
  const { clock, removed, dead, spikes } = setUp();
  for (const token of ["a", "b", "c"]) dead(APN, token);
  assert.deepEqual(removed, []);
  await clock.advance(10_000);
  assert.deepEqual([removed, spikes], [["a", "b", "c"], []]);
});

Deno.test("a spike of dead answers removes no token and is reported", async () => {
  const { clock, removed, dead, spikes } = setUp();
  for (let i = 0; i < 50; i++) dead(APN, String(i));
  await clock.advance(10_000);
  assert.deepEqual(removed, []);
  assert.deepEqual(spikes, [{ queue: "apn/ios", answers: 50, dead: 50 }]);
});

Deno.test("many dead answers among more good ones are not a spike", async () => {
  const { clock, guard, removed, dead } = setUp();
  for (let i = 0; i < 30; i++) {
    dead(APN, String(i));
    guard.record(APN);
  }
  await clock.advance(10_000);
  assert.equal(removed.length, 30);
});

Deno.test("each queue has its own window", async () => {
  const { clock, removed, dead } = setUp();
  for (let i = 0; i < 50; i++) dead(APN, String(i));
  dead(GCM, "good");
  await clock.advance(10_000);
  assert.deepEqual(removed, ["good"]);
});

Deno.test("flush() decides at once", async () => {
  const { guard, removed, dead } = setUp();
  dead(APN, "a");
  await guard.flush();
  assert.deepEqual(removed, ["a"]);
});
