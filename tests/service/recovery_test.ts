import assert from "node:assert/strict";
import { type Log, silentLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { watchRecovery } from "../../service/monitoring.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

function rig() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const record = (message: string) => void lines.push(message);
  const log: Log = { ...silentLog, info: record, error: record };
  const metrics = createMetrics();
  const recovered = Promise.withResolvers<number>();
  const recovery = watchRecovery(recovered.promise, { clock, log, metrics });
  let isOver = false;
  const firstSecond = recovery.firstSecond.then(() => void (isOver = true));
  return {
    clock,
    lines,
    metrics,
    recovered,
    recovery,
    firstSecond,
    isOver: () => isOver,
  };
}

Deno.test("a short log is recovered before the service listens, and the wait is not logged", async () => {
  const { clock, lines, metrics, recovered, recovery, firstSecond, isOver } = rig();
  await settle();
  assert.ok(!isOver());
  recovered.resolve(3);
  await firstSecond;
  assert.deepEqual(recovery.checks(), []);
  assert.deepEqual(lines, ["notifications that were in flight are recovered"]);
  assert.match(
    await metrics.expose(),
    /^carillon_notifications_recovered_total 3$/m,
  );
  assert.equal(clock.timers, 0);
});

Deno.test("a long log is recovered while publishes are accepted, and the log and /readyz say so", async () => {
  const { clock, lines, recovered, recovery, firstSecond } = rig();
  await clock.advance(1_000);
  await firstSecond;
  assert.deepEqual(lines, [
    "notifications that were in flight are being recovered; publishes are accepted",
  ]);
  const detail = "notifications that were in flight are being recovered";
  assert.deepEqual(recovery.checks(), [{
    name: "recovery",
    ok: false,
    optional: true,
    detail,
  }]);
  recovered.resolve(100_000);
  await settle();
  assert.deepEqual(recovery.checks(), []);
  assert.equal(lines.at(-1), "notifications that were in flight are recovered");
});

Deno.test("a recovery that fails is logged as an error, and /readyz keeps saying so", async () => {
  const { clock, lines, recovered, recovery, firstSecond } = rig();
  await clock.advance(1_000);
  await firstSecond;
  recovered.reject(new Error("the disk"));
  await settle();
  const detail = "some notifications in flight could not be recovered: restart this node";
  assert.equal(lines.at(-1), detail);
  assert.deepEqual(recovery.checks().map((check) => check.detail), [detail]);
});
