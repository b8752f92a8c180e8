/** `kill -9` as stock clients see it; `deno task chaos:kill` does the same with 100,000 publishes. */

import assert from "node:assert/strict";
import { runKills } from "../../chaos/kill_run.ts";

Deno.test("eight kill -9 amid publishes: stock clients miss nothing, and 4.8 gets nothing twice", async () => {
  const report = await runKills({
    ...{ seed: 20_261_130, kills: 8, publishes: 16_000, users: 8 },
    ...{ maxEventsPerUser: 10_000, windowMs: 120_000 },
  });
  const { returns, recovered, mostOften, arrivals, ...faults } = report;
  assert.deepEqual(faults, {
    ...{ missing: 0, twiceByOffset: 0, twice: 0, outOfOrder: 0 },
    ...{ resyncs: { 4: 0, 2: 0 }, complaints: [] },
  });
  assert.ok(returns[4] >= 8 * 8 && returns[2] >= 8 * 8);
  assert.equal(recovered, returns[4]);
  // Clients of 2.5 do not say how far they got: one more time with each kill, not more.
  assert.ok(mostOften <= 9, `${mostOften}`);
  assert.ok(arrivals >= 2 * 16_000);
});
