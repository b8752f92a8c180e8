/** Checks the ledger: every notification that was answered with 202 has exactly one final state. */

import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { fault, type Finding, info } from "./_finding.ts";
import type { Publication, RunRecord } from "./run_record.ts";

/** Returns the findings about the ledger. */
export function judgeLedger(
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
    fault("expired or dead", [...of("expired"), ...of("dead")].map(named)),
    fault("still in flight", of("in_flight").map(named)),
    fault("unknown to the ledger", of("unknown").map(named)),
    fault("merged although they are not similar", merged.filter((p) => !p.similar).map(named)),
    fault("ids of several notifications", doubleIds),
    fault("never accepted", Array.from({ length: neverAccepted }, () => "a request")),
  ];
}

function named({ n, id }: Publication): string {
  return `n ${n} (${id})`;
}
