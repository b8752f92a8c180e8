/**
 * Judges a run by its record alone: the same record gets the same assessment, so that every rule can
 * be tested with a made-up one.
 */

import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { fault, type Finding, info } from "./_finding.ts";
import { judgeClients } from "./_judge_clients.ts";
import { judgeGroups } from "./_judge_groups.ts";
import { judgePublishers } from "./_judge_publishers.ts";
import { isOfRedis, overlap } from "./_spans.ts";
import type { Exit, Publication, RunRecord } from "./run_record.ts";

interface Assessment {
  readonly findings: readonly Finding[];
  readonly isSound: boolean;
}

/** Returns the findings about a run, and whether one is a fault. */
export function judge(record: RunRecord): Assessment {
  const findings = [
    ...judgeClients(record),
    ...judgeLedger(record),
    ...judgeGroups(record),
    ...judgePublishers(record),
    ...judgeNodes(record),
  ];
  return { findings, isSound: findings.every(({ count, isFault }) => !isFault || count === 0) };
}

/** Checks that every notification that was answered with 202 has exactly one final state. */
function judgeLedger(
  { publications, ledger, neverAccepted }: RunRecord,
): readonly Finding[] {
  const byState = Map.groupBy(publications, ({ id }) => ledger.get(id)?.state ?? "unknown");
  const of = (state: string) => byState.get(state as "unknown") ?? [];
  const because = Map.groupBy(of("suppressed"), ({ id }) => ledger.get(id)?.reason ?? "nothing");
  const merged = because.get("merged") ?? [];
  const doubleIds = [...Map.groupBy(publications, ({ id }) => id)]
    .filter(([, several]) => several.length > 1).map(([id]) => id);
  const final = NOTIFICATION_STATES.filter((state) => state !== "in_flight")
    .reduce((sum, state) => sum + of(state).length, 0);
  return [
    info("accepted", publications.length),
    info("  delivered", of("delivered").length),
    ...[...because].map(([reason, all]) => info(`  suppressed: ${reason}`, all.length)),
    info("  sum of the final states", final),
    // No notification in a run has a ttl, and sockets reject none.
    fault("expired or dead", [...of("expired"), ...of("dead")].map(namedPublication)),
    fault("still in flight", of("in_flight").map(namedPublication)),
    fault("unknown to the ledger", of("unknown").map(namedPublication)),
    fault(
      "merged although they are not similar",
      merged.filter((p) => !p.similar).map(namedPublication),
    ),
    fault("ids of several notifications", doubleIds),
    fault("never accepted", Array.from({ length: neverAccepted }, () => "a request")),
  ];
}

function namedPublication({ n, id }: Publication): string {
  return `n ${n} (${id})`;
}

/**
 * Checks that nodes ended when they were asked to, in time, and without an error. A node cannot shut
 * down cleanly while Redis is unavailable.
 */
function judgeNodes({ exits, crashes, troubles }: RunRecord): readonly Finding[] {
  const redisAway = troubles.filter(isOfRedis);
  const unclean = exits.filter(({ code }) => code !== undefined && code !== 0);
  const isExcused = (exit: Exit) => redisAway.some((span) => overlap(span, exit));
  return [
    info("nodes that were asked to stop", exits.length),
    fault("  did not stop in time", exits.filter((e) => e.code === undefined).map(namedExit)),
    info("  ended with an error while Redis was unavailable", unclean.filter(isExcused).length),
    fault("  ended with an error", unclean.filter((exit) => !isExcused(exit)).map(namedExit)),
    fault(
      "nodes that ended unexpectedly",
      crashes.map(({ node, at, code, lastWords }) =>
        `node ${node} at ${Math.round(at)} ms with ${code}: ${lastWords}`
      ),
    ),
  ];
}

function namedExit({ node, from, to, code }: Exit): string {
  const end = code === undefined ? "killed" : `ended with ${code}`;
  return `node ${node}, asked at ${Math.round(from)} ms, ${end} after ${Math.round(to - from)} ms`;
}
