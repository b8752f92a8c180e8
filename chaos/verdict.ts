/**
 * Judges a run by what was written down. Nothing here looks at a process: the same story gets the
 * same verdict, so that every rule can be tested with a made-up one.
 */

import type { Finding } from "./_finding.ts";
import { judgeClients } from "./_judge_clients.ts";
import { judgeLedger } from "./_judge_ledger.ts";
import { judgeNodes } from "./_judge_nodes.ts";
import { judgePublishers } from "./_judge_publishers.ts";
import type { Story } from "./story.ts";

/** See the file's comment. */
interface Verdict {
  readonly findings: readonly Finding[];
  readonly isSound: boolean;
}

/** See the file's comment. */
export function judge(story: Story): Verdict {
  const findings = [
    ...judgeClients(story),
    ...judgeLedger(story),
    ...judgePublishers(story),
    ...judgeNodes(story),
  ];
  return { findings, isSound: findings.every(({ count, isFault }) => !isFault || count === 0) };
}
