import assert from "node:assert/strict";
import { runSoak } from "../../chaos/soak.ts";
import { growthOf } from "../../chaos/soak_growth.ts";

const SIZE = { residentMiB: 140, heapMiB: 30, descriptors: 70 };

Deno.test("a process that is about as large as before has not grown", () => {
  assert.deepEqual(growthOf(SIZE, { residentMiB: 180, heapMiB: 40, descriptors: 75 }), []);
});

Deno.test("descriptors, heap and resident memory that stay high are each named", () => {
  const after = { residentMiB: 400, heapMiB: 60, descriptors: 90 };
  assert.deepEqual(growthOf(SIZE, after), [
    "descriptors: from 70 to 90",
    "heapMiB: from 30 to 60",
    "residentMiB: from 140 to 400",
  ]);
});

Deno.test("clients of all kinds, publishers and subscriptions are created and closed without a fault", async () => {
  const { counts, peak } = await runSoak({
    ...{ seed: 3, warmUpMs: 500, loadMs: 5_000, quietMs: 0, lookMs: 200 },
  });
  const { faults, ...done } = counts;
  assert.deepEqual(faults, []);
  const { clients, published, halfOpen, slow, subscriptions, arrivals } = done;
  for (const count of [clients, published, halfOpen, slow, subscriptions, arrivals]) {
    assert.ok(count > 0, JSON.stringify(done));
  }
  assert.ok(peak.descriptors > 20);
});
