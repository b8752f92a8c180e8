/** What a plan promises: the same for the same seed, and nothing beyond the run. */

import assert from "node:assert/strict";
import { describe, planOf, trackOf } from "../../chaos/plan.ts";

const OPTIONS = { seconds: 300, nodes: 3, clients: 20, redis: true };

Deno.test("the same seed makes the same plan, another seed another one", () => {
  assert.deepEqual(planOf(7, OPTIONS), planOf(7, OPTIONS));
  assert.notDeepEqual(planOf(7, OPTIONS), planOf(8, OPTIONS));
});

Deno.test("a long plan has everything, in the order of time and within the run", () => {
  const plan = planOf(7, OPTIONS);
  const kinds = new Set(plan.map(({ kind }) => kind));
  assert.equal(kinds.size, 10);
  assert.deepEqual(plan, plan.toSorted((a, b) => a.at - b.at));
  assert.ok(plan.every(({ at, forMs }) => at >= 2000 && at < 297_000 && forMs > 0));
});

Deno.test("one thing at a time happens to each node, to Redis and to each client", () => {
  for (const track of Map.groupBy(planOf(7, OPTIONS), trackOf).values()) {
    track.slice(1).forEach(({ at }, index) => {
      const before = track[index]!;
      assert.ok(at > before.at + before.forMs);
    });
  }
});

Deno.test("a plan without Redis has the same failures for all others", () => {
  const plan = planOf(7, OPTIONS);
  const without = planOf(7, { ...OPTIONS, redis: false });
  assert.deepEqual(without, plan.filter(({ kind }) => !kind.startsWith("redis")));
});

Deno.test("only some kinds are the same ones at the same times", () => {
  const only = planOf(7, { ...OPTIONS, only: new Set(["kill", "cut"]) });
  const all = planOf(7, OPTIONS);
  assert.deepEqual(only, all.filter(({ kind }) => kind === "kill" || kind === "cut"));
});

Deno.test("an action is described in one line", () => {
  assert.equal(
    describe({ at: 12_340, kind: "kill", whom: 1, forMs: 900 }),
    " 12.3 s  kill -9 of node 1, for 0.9 s",
  );
});
