/** How nodes went: when they were told to, in time, and with nothing to complain of. */

import { fault, type Finding, told } from "./_finding.ts";
import { isOfRedis, overlap } from "./_spans.ts";
import type { Exit, Story } from "./story.ts";

/** See the file's comment. A node cannot hand over what it has while Redis is away. */
export function judgeNodes({ exits, crashes, troubles }: Story): readonly Finding[] {
  const redisAway = troubles.filter(isOfRedis);
  const unclean = exits.filter(({ code }) => code !== undefined && code !== 0);
  const isExcused = (exit: Exit) => redisAway.some((span) => overlap(span, exit));
  return [
    told("nodes that were told to go", exits.length),
    fault("  had not gone in time", exits.filter((e) => e.code === undefined).map(named)),
    told("  ended with an error, as Redis was away", unclean.filter(isExcused).length),
    fault("  ended with an error", unclean.filter((exit) => !isExcused(exit)).map(named)),
    fault(
      "nodes that ended by themselves",
      crashes.map(({ node, at, code, lastWords }) =>
        `node ${node} at ${Math.round(at)} ms with ${code}: ${lastWords}`
      ),
    ),
  ];
}

function named({ node, from, to, code }: Exit): string {
  const end = code === undefined ? "killed" : `ended with ${code}`;
  return `node ${node}, told at ${Math.round(from)} ms, ${end} after ${Math.round(to - from)} ms`;
}
