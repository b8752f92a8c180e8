// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task chaos`: several nodes, many clients, and failures between them, planned from a seed.
 * Prints the plan, its progress and the assessment; exits with 1 on a fault. Options: `--seed`,
 * `--seconds`, `--nodes`, `--users`, `--members` (of the group that is published to, users
 * included; 0: none), `--rate` (other notifications per second), `--only kill,cut,…`,
 * `--store embedded` (one node on its data file), `--window` (milliseconds that a client may be
 * disconnected), `--delay` (milliseconds that notifications wait for similar ones; with 0 a node
 * claims what it accepts), `--plan` (prints the plan only), `--logs <folder>` (writes the nodes'
 * logs and the record of the run).
 */

import { parseArgs } from "node:util";
import { describe, type Kind, KINDS, planOf } from "./plan.ts";
import { tableOf } from "./report.ts";
import { CLIENTS_PER_USER, run } from "./run.ts";
import { judge } from "./assessment.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    seconds: { type: "string", default: "60" },
    nodes: { type: "string", default: "2" },
    users: { type: "string", default: "30" },
    members: { type: "string", default: "4000" },
    rate: { type: "string", default: "60" },
    window: { type: "string", default: "120000" },
    delay: { type: "string", default: "100" },
    store: { type: "string", default: "redis" },
    only: { type: "string" },
    plan: { type: "boolean", default: false },
    logs: { type: "string" },
  },
});

const redis = values.store !== "embedded";
const options = {
  seed: Number(values.seed ?? Math.floor(Math.random() * 1e9)),
  seconds: Number(values.seconds),
  nodes: redis ? Number(values.nodes) : 1,
  users: Number(values.users),
  members: Number(values.members),
  rate: Number(values.rate),
  windowMs: Number(values.window),
  delayMs: Number(values.delay),
  redis,
};
const only = values.only?.split(",");
const unknown = only?.find((kind) => !(kind in KINDS));
if (unknown !== undefined) {
  console.error(`Cannot run only '${unknown}': the kinds are ${Object.keys(KINDS).join(", ")}`);
  Deno.exit(2);
}

const plan = planOf(options.seed, {
  ...options,
  clients: options.users * CLIENTS_PER_USER,
  ...(only && { only: new Set(only) }),
});
console.log(`The plan of seed ${options.seed}:`);
for (const action of plan) console.log(describe(action));
if (values.plan) Deno.exit(0);

const { record, logs } = await run(plan, {
  ...options,
  onProgress: (line) => console.log(`\n${line}`),
});
if (values.logs !== undefined) {
  await Deno.mkdir(values.logs, { recursive: true });
  for (const [index, { node, text }] of logs.entries()) {
    await Deno.writeTextFile(`${values.logs}/${index}_node_${node}.log`, text);
  }
  const ledger = [...record.ledger];
  await Deno.writeTextFile(`${values.logs}/record.json`, JSON.stringify({ ...record, ledger }));
}
const { findings, isSound } = judge(record);
console.log(`\n${countsOf(plan.map(({ kind }) => kind))}\n\n${tableOf(findings)}`);
console.log(
  isSound ? "\nSound." : `\nFAULTS. To reproduce them: deno task chaos ${replay().join(" ")}`,
);
Deno.exit(isSound ? 0 : 1);

function countsOf(kinds: readonly Kind[]): string {
  return [...Map.groupBy(kinds, (kind) => kind)]
    .map(([kind, all]) => `${all.length} × ${kind}`).join(", ");
}

function replay(): readonly string[] {
  const given = Deno.args.filter((arg, at) =>
    !arg.startsWith("--seed") && Deno.args[at - 1] !== "--seed"
  );
  return ["--seed", String(options.seed), ...given];
}
