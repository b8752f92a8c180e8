// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task chaos:kill`: `kill -9` of the embedded service during publishes, with stock clients
 * 4.8 and 2.5. Options: `--seed`, `--kills`, `--publishes`, `--users`, `--kept` and `--window`
 * (events in a user's log, and for how many milliseconds). Exits with 1 if an event was lost, if a
 * client of 4.8 received one twice, or if a client was sent `resync`, which is correct only if a
 * client misses more events than the log has.
 */

import { parseArgs } from "node:util";
import { isSoundReport } from "./kill_report.ts";
import { runKills } from "./kill_run.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    kills: { type: "string", default: "8" },
    publishes: { type: "string", default: "100000" },
    users: { type: "string", default: "20" },
    kept: { type: "string", default: "10000" },
    window: { type: "string", default: "120000" },
  },
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const started = performance.now();
const report = await runKills({
  ...{ seed, kills: Number(values.kills), publishes: Number(values.publishes) },
  ...{ users: Number(values.users), maxEventsPerUser: Number(values.kept) },
  windowMs: Number(values.window),
  onProgress: (line) => console.log(line),
});
const seconds = (performance.now() - started) / 1000;
console.log(`Seed ${seed}, ${seconds.toFixed(1)} s`);
for (const [name, value] of Object.entries(report)) console.log(`  ${name}:`, value);
const isSound = isSoundReport(report);
console.log(isSound ? "Sound." : "NOT sound.");
Deno.exit(isSound ? 0 : 1);
