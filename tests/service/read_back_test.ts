import assert from "node:assert/strict";
import { type Log, silentLog } from "../../core/log.ts";
import { createMetrics } from "../../core/metrics.ts";
import { watchReadBack } from "../../service/read_back.ts";
import { FakeClock, settle } from "../support/fake_clock.ts";

function rig() {
  const clock = new FakeClock();
  const lines: string[] = [];
  const note = (message: string) => void lines.push(message);
  const log: Log = { ...silentLog, info: note, error: note };
  const metrics = createMetrics();
  const recovered = Promise.withResolvers<number>();
  const readBack = watchReadBack(recovered.promise, { clock, log, metrics });
  let isOver = false;
  const atOnce = readBack.atOnce.then(() => void (isOver = true));
  return { clock, lines, metrics, recovered, readBack, atOnce, isOver: () => isOver };
}

Deno.test("a short log is read before the service listens, and nothing is said of the wait", async () => {
  const { clock, lines, metrics, recovered, readBack, atOnce, isOver } = rig();
  await settle();
  assert.ok(!isOver());
  recovered.resolve(3);
  await atOnce;
  assert.deepEqual(readBack.checks(), []);
  assert.deepEqual(lines, ["notifications are in flight from before"]);
  assert.match(await metrics.expose(), /^carillon_notifications_recovered_total 3$/m);
  assert.equal(clock.timers, 0);
});

Deno.test("a long log is read behind the first publishes, and the log and /readyz say so", async () => {
  const { clock, lines, recovered, readBack, atOnce } = rig();
  await clock.advance(1_000);
  await atOnce;
  assert.deepEqual(lines, [
    "notifications in flight from before are being read back; publishes are taken",
  ]);
  const detail = "notifications in flight from before are being read back";
  assert.deepEqual(readBack.checks(), [{ name: "read back", ok: false, optional: true, detail }]);
  recovered.resolve(100_000);
  await settle();
  assert.deepEqual(readBack.checks(), []);
  assert.equal(lines.at(-1), "notifications are in flight from before");
});

Deno.test("a log that breaks off is an error, and /readyz goes on saying so", async () => {
  const { clock, lines, recovered, readBack, atOnce } = rig();
  await clock.advance(1_000);
  await atOnce;
  recovered.reject(new Error("the disk"));
  await settle();
  const detail = "not all that was in flight could be read back: start again";
  assert.equal(lines.at(-1), detail);
  assert.deepEqual(readBack.checks().map((check) => check.detail), [detail]);
});
