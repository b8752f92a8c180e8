import assert from "node:assert/strict";
import { createCpuBound } from "../../../transports/http/http_engine.ts";

function rig() {
  const now = { wall: 10_000, cpu: 0 };
  const isCpuBound = createCpuBound({
    clock: { monotonic: () => now.wall },
    cpuTime: () => now.cpu,
  });
  return (wallMs: number, cpuMs: number) => {
    now.wall += wallMs;
    now.cpu += cpuMs;
    return isCpuBound();
  };
}

Deno.test("the CPU load is unknown at first and after a pause", () => {
  const after = rig();
  assert.equal(after(0, 0), true);
  assert.equal(after(100, 10), false);
  assert.equal(after(5_000, 10), true, "the pause says nothing of now");
  assert.equal(after(100, 10), false);
});

Deno.test("a process that uses a core is short of CPU", () => {
  const after = rig();
  after(0, 0);
  assert.equal(after(200, 190), true);
  assert.equal(after(200, 100), false);
});

Deno.test("spare CPU is reported once in a tenth of a second", () => {
  const after = rig();
  after(0, 0);
  assert.equal(after(100, 10), false);
  assert.equal(after(50, 5), true);
  assert.equal(after(50, 5), false);
});
