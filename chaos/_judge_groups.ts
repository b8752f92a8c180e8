/** Checks that a notification to a group has reached each member, and each once. */

import { fault, type Finding, info } from "./_finding.ts";
import type { GroupOutcome, RunRecord } from "./run_record.ts";

/** Returns the findings about notifications to a group. Members' clients are judged like others. */
export function judgeGroups({ toGroup, publications, troubles }: RunRecord): readonly Finding[] {
  const parts = Map.groupBy(publications, ({ n }) => n);
  const kills = troubles.filter(({ kind }) => kind === "kill" || kind === "redis-kill");
  const wasInterrupted = ({ n }: GroupOutcome) => {
    const own = parts.get(n) ?? [];
    return kills.some(({ from }) =>
      own.some(({ sentAt }) => sentAt < from) && own.some(({ acceptedAt }) => acceptedAt > from)
    );
  };
  const that = (isFaulty: (outcome: GroupOutcome) => boolean) =>
    toGroup.filter(isFaulty).map(named);
  return [
    info("notifications to a group", toGroup.length),
    info("  amid which a node or Redis was killed", toGroup.filter(wasInterrupted).length),
    fault("  that left a member out", that(({ members, reached }) => reached < members)),
    fault("  that have somebody else", that(({ members, reached }) => reached > members)),
    fault("  that have a member twice", that(({ repeated }) => repeated > 0)),
    fault("  that have a member in flight", that(({ open }) => open > 0)),
  ];
}

function named({ n, id, members, reached, repeated, open }: GroupOutcome): string {
  return `n ${n} (${id}): ${reached} of ${members}, ${repeated} repeated, ${open} in flight`;
}
