/** Checks how nodes ended: when they were asked to, in time, and without an error. */

import { fault, type Finding, info } from "./_finding.ts";
import { isOfRedis, overlap } from "./_spans.ts";
import type { Exit, RunRecord } from "./run_record.ts";

/** Returns the findings about nodes. A node cannot shut down cleanly while Redis is unavailable. */
export function judgeNodes({ exits, crashes, troubles }: RunRecord): readonly Finding[] {
  const redisAway = troubles.filter(isOfRedis);
  const unclean = exits.filter(({ code }) => code !== undefined && code !== 0);
  const isExcused = (exit: Exit) => redisAway.some((span) => overlap(span, exit));
  return [
    info("nodes that were asked to stop", exits.length),
    fault("  did not stop in time", exits.filter((e) => e.code === undefined).map(named)),
    info("  ended with an error while Redis was unavailable", unclean.filter(isExcused).length),
    fault("  ended with an error", unclean.filter((exit) => !isExcused(exit)).map(named)),
    fault(
      "nodes that ended unexpectedly",
      crashes.map(({ node, at, code, lastWords }) =>
        `node ${node} at ${Math.round(at)} ms with ${code}: ${lastWords}`
      ),
    ),
  ];
}

function named({ node, from, to, code }: Exit): string {
  const end = code === undefined ? "killed" : `ended with ${code}`;
  return `node ${node}, asked at ${Math.round(from)} ms, ${end} after ${Math.round(to - from)} ms`;
}
