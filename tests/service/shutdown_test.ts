import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { createShutdown } from "../../service/shutdown.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

function setup({ drainMs = 3_000, doorMs = 0 } = {}) {
  const clock = new FakeClock();
  const steps: string[] = [];
  const after = (ms: number, step: string) =>
    new Promise<void>((resolve) => clock.after(ms, () => (steps.push(step), resolve())));
  const leaving = createShutdown({
    ...{ clock, log: silentLog },
    settings: () => ({ socketsPerSecond: 50, withinMs: 15_000, noticeMs: 5_000 }),
    realtime: { drain: () => after(drainMs, "sockets closed") },
    closeListener: () => after(doorMs, "door closed"),
    stop: () => (steps.push("stopped"), Promise.resolve()),
  });
  return { clock, steps, leaving };
}

Deno.test("a node that leaves is not ready at once, and goes when its sockets are closed", async () => {
  const { clock, steps, leaving } = setup();
  assert.equal(leaving.hasBegun, false);
  const left = leaving.begin({ notice: false });
  assert.equal(leaving.hasBegun, true);
  await clock.advance(2_999);
  assert.deepEqual(steps, []);
  await clock.advance(1);
  await left;
  await leaving.done;
  assert.deepEqual(steps, ["sockets closed", "door closed", "stopped"]);
});

Deno.test("with notice it keeps its door open until the balancer has seen it", async () => {
  const { clock, steps, leaving } = setup();
  const left = leaving.begin({ notice: true });
  await clock.advance(4_999);
  assert.deepEqual(steps, ["sockets closed"]);
  await clock.advance(1);
  await left;
  assert.deepEqual(steps, ["sockets closed", "door closed", "stopped"]);
});

Deno.test("requests that never end do not keep it", async () => {
  const { clock, steps, leaving } = setup({ doorMs: 60_000 });
  const left = leaving.begin({ notice: false });
  await clock.advance(5_000);
  await left;
  assert.deepEqual(steps, ["sockets closed", "stopped"]);
});

Deno.test("leaving twice is leaving once, and a stop in between hastens it", async () => {
  const { clock, steps, leaving } = setup();
  const first = leaving.begin({ notice: true });
  assert.equal(leaving.begin({ notice: true }), first);
  await leaving.stop();
  await leaving.done;
  assert.deepEqual(steps, ["stopped"]);
  await clock.advance(10_000);
  await settle();
  assert.equal(steps.filter((step) => step === "stopped").length, 1);
});
