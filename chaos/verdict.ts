/**
 * Judges a run by its record alone: the same record gets the same verdict, so that every rule can
 * be tested with a made-up one.
 */

import type { Finding } from "./_finding.ts";
import { judgeClients } from "./_judge_clients.ts";
import { judgeLedger } from "./_judge_ledger.ts";
import { judgeNodes } from "./_judge_nodes.ts";
import { judgePublishers } from "./_judge_publishers.ts";
import type { RunRecord } from "./run_record.ts";

interface Verdict {
  readonly findings: readonly Finding[];
  readonly isSound: boolean;
}

/** Returns the findings about a run, and whether one is a fault. */
export function judge(record: RunRecord): Verdict {
  const findings = [
    ...judgeClients(record),
    ...judgeLedger(record),
    ...judgePublishers(record),
    ...judgeNodes(record),
  ];
  return { findings, isSound: findings.every(({ count, isFault }) => !isFault || count === 0) };
}
