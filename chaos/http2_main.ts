// deno-lint-ignore-file no-console -- a command answers on the terminal
/**
 * `deno task chaos:http2`: the HTTP/2 engine against a faulty server. Options: `--seed`,
 * `--requests`, `--workers` (concurrent requests). Exits with 1 if a request was lost, answered
 * twice or reported wrongly, or if memory grows.
 */

import { parseArgs } from "node:util";
import { makeCertificate } from "../tests/support/certificate.ts";
import { soakHttp2 } from "./http2_soak.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    seed: { type: "string" },
    requests: { type: "string", default: "300000" },
    workers: { type: "string", default: "500" },
  },
});

const MAX_GROWTH_MIB = 32;
const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9));
const requests = Number(values.requests);
const started = performance.now();
const report = await soakHttp2({
  ...{ seed, requests, workers: Number(values.workers) },
  pair: await makeCertificate(),
});
const seconds = (performance.now() - started) / 1000;

console.log(`Seed ${seed}: ${requests} requests in ${seconds.toFixed(1)} s`);
for (const [name, value] of Object.entries(report)) console.log(`  ${name}:`, value);
const { resolved, answeredTwice, wronglyUnsent, invented, heap: [early, late] } = report;
const isSound = resolved === requests && answeredTwice + wronglyUnsent + invented === 0 &&
  late - early <= MAX_GROWTH_MIB;
console.log(isSound ? "Sound." : "NOT sound.");
Deno.exit(isSound ? 0 : 1);
