/**
 * A short chaos run: two nodes on Redis, stock clients of both generations, publishers, and a plan
 * of a fixed seed that kills a node, ends Redis, pauses a node and cuts connections. `deno task
 * chaos` makes longer ones.
 */

import assert from "node:assert/strict";
import { describe, type Kind, planOf } from "../../chaos/plan.ts";
import { tableOf } from "../../chaos/report.ts";
import { CLIENTS_PER_USER, run } from "../../chaos/run.ts";
import { judge } from "../../chaos/assessment.ts";
import { HAS_REDIS } from "../support/redis_server.ts";

const OPTIONS = {
  seed: 75,
  seconds: 25,
  nodes: 2,
  users: 8,
  members: 1_000,
  rate: 40,
  redis: true,
  windowMs: 120_000,
  delayMs: 100,
};
const MUST_HAPPEN: readonly Kind[] = ["kill", "pause", "redis-kill", "cut", "vanish"];

Deno.test({
  name: "nothing is lost to stock clients while nodes, Redis and connections are killed and paused",
  ignore: !HAS_REDIS,
  // Closed clients and the pools of `fetch` linger for a while.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const plan = planOf(OPTIONS.seed, { ...OPTIONS, clients: OPTIONS.users * CLIENTS_PER_USER });
    const kinds = new Set(plan.map(({ kind }) => kind));
    for (const kind of MUST_HAPPEN) assert.ok(kinds.has(kind), `the plan lacks ${kind}`);
    const { record } = await run(plan, { ...OPTIONS, onProgress() {} });
    const { findings, isSound } = judge(record);
    assert.ok(isSound, `${plan.map(describe).join("\n")}\n\n${tableOf(findings)}`);
    assert.ok(record.publications.length > 300, "too little was published to mean anything");
    assert.ok(record.toGroup.length > 5, "too little was published to the group");
  },
});
