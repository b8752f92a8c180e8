// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task chaos:soak`: load with constant change on the embedded service, to see whether its
 * memory and descriptors return to their former level. `--minutes` of load in two equal halves,
 * after each of which the process is measured; `--seed`. Exits with 1 if the process has grown from
 * the first to the second measurement or something failed.
 */

import { parseArgs } from "node:util";
import { runSoak } from "./soak.ts";
import { growthOf } from "./soak_growth.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: { minutes: { type: "string", default: "10" }, seed: { type: "string" } },
});

const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
console.log(`Seed ${seed}`);
const halfMs = Number(values.minutes) * 30_000;
const { before, after, counts } = await runSoak({
  ...{ seed, warmUpMs: halfMs, loadMs: halfMs, quietMs: 50_000 },
  lookMs: 6_000,
  onProgress: (line) => console.log(line),
});
const { faults, ...done } = counts;
for (const [name, value] of Object.entries(done)) console.log(`  ${name}: ${value}`);
const wrong = [...growthOf(before, after), ...faults];
for (const line of wrong) console.log(`FAULT: ${line}`);
console.log(wrong.length === 0 ? "Sound." : "NOT sound.");
Deno.exit(wrong.length === 0 ? 0 : 1);
