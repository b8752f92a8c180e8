/** What the ledger says: one final state for each notification that was answered with 202. */

import { NOTIFICATION_STATES } from "../core/ledger.ts";
import { fault, type Finding, told } from "./_finding.ts";
import type { Publication, Story } from "./story.ts";

/** See the file's comment. */
export function judgeLedger({ publications, ledger, neverAccepted }: Story): readonly Finding[] {
  const byState = Map.groupBy(publications, ({ id }) => ledger.get(id)?.state ?? "unknown");
  const of = (state: string) => byState.get(state as "unknown") ?? [];
  const because = Map.groupBy(of("suppressed"), ({ id }) => ledger.get(id)?.reason ?? "nothing");
  const merged = because.get("merged") ?? [];
  const doubleIds = [...Map.groupBy(publications, ({ id }) => id)]
    .filter(([, several]) => several.length > 1).map(([id]) => id);
  const final = NOTIFICATION_STATES.filter((state) => state !== "in_flight")
    .reduce((sum, state) => sum + of(state).length, 0);
  return [
    told("accepted", publications.length),
    told("  delivered", of("delivered").length),
    ...[...because].map(([reason, all]) => told(`  suppressed: ${reason}`, all.length)),
    told("  sum of the final states", final),
    // Nothing in a run has a ttl, and sockets refuse nothing.
    fault("expired or dead", [...of("expired"), ...of("dead")].map(named)),
    fault("still in flight", of("in_flight").map(named)),
    fault("unknown to the ledger", of("unknown").map(named)),
    fault("merged although they are not similar", merged.filter((p) => !p.similar).map(named)),
    fault("ids that stand for several notifications", doubleIds),
    fault("never accepted", Array.from({ length: neverAccepted }, () => "a request")),
  ];
}

function named({ n, id }: Publication): string {
  return `n ${n} (${id})`;
}
