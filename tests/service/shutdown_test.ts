import assert from "node:assert/strict";
import { silentLog } from "../../core/log.ts";
import { createShutdown } from "../../service/shutdown.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

function setup({ drainMs = 3_000, listenersMs = 0 } = {}) {
  const clock = new FakeClock();
  const steps: string[] = [];
  const after = (ms: number, step: string) =>
    new Promise<void>((resolve) => clock.after(ms, () => (steps.push(step), resolve())));
  const shutdown = createShutdown({
    ...{ clock, log: silentLog },
    settings: () => ({
      socketsPerSecond: 50,
      withinMs: 15_000,
      noticeMs: 5_000,
    }),
    realtime: { drain: () => after(drainMs, "sockets closed") },
    closeListeners: () => after(listenersMs, "listeners closed"),
    stop: () => (steps.push("stopped"), Promise.resolve()),
  });
  return { clock, steps, shutdown };
}

Deno.test("a draining node is unready at once, and stops when its sockets are closed", async () => {
  const { clock, steps, shutdown } = setup();
  assert.equal(shutdown.hasBegun, false);
  const drained = shutdown.begin({ notice: false });
  assert.equal(shutdown.hasBegun, true);
  await clock.advance(2_999);
  assert.deepEqual(steps, []);
  await clock.advance(1);
  await drained;
  await shutdown.done;
  assert.deepEqual(steps, ["sockets closed", "listeners closed", "stopped"]);
});

Deno.test("with notice the listeners stay open until the balancer has seen that the node is unready", async () => {
  const { clock, steps, shutdown } = setup();
  const drained = shutdown.begin({ notice: true });
  await clock.advance(4_999);
  assert.deepEqual(steps, ["sockets closed"]);
  await clock.advance(1);
  await drained;
  assert.deepEqual(steps, ["sockets closed", "listeners closed", "stopped"]);
});

Deno.test("requests that never end do not delay the stop", async () => {
  const { clock, steps, shutdown } = setup({ listenersMs: 60_000 });
  const drained = shutdown.begin({ notice: false });
  await clock.advance(5_000);
  await drained;
  assert.deepEqual(steps, ["sockets closed", "stopped"]);
});

Deno.test("a second drain is the first one, and a stop cuts it short", async () => {
  const { clock, steps, shutdown } = setup();
  const first = shutdown.begin({ notice: true });
  assert.equal(shutdown.begin({ notice: true }), first);
  await shutdown.stop();
  await shutdown.done;
  assert.deepEqual(steps, ["stopped"]);
  await clock.advance(10_000);
  await settle();
  assert.equal(steps.filter((step) => step === "stopped").length, 1);
});
