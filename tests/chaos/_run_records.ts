/** Made-up runs for the tests of the assessment: one client of each generation, and what it got. */

import assert from "node:assert/strict";
import type { ClientRecord, Entry, Publication, RunRecord } from "../../chaos/run_record.ts";
import { judge } from "../../chaos/assessment.ts";

const END = 100_000;

/** A notification for user 1, accepted at `1000 × n`. */
export function publication(n: number, more: Partial<Publication> = {}): Publication {
  return { n, id: `id ${n}`, user: 1, sentAt: n * 1000, acceptedAt: n * 1000 + 5, ...more };
}

/** A client of user 1 that was connected all the time. */
export function client(more: Partial<ClientRecord> = {}): ClientRecord {
  return {
    ...{ name: "c0", user: 1, generation: 4, arrivals: [], connected: [{ from: 0, to: END }] },
    ...{ returns: 0, recovered: 0, resyncs: [], complaints: [] },
    ...more,
  };
}

/** Events as a client got them, a moment after they were accepted, at offsets of their numbers. */
export function arrivalsOf(...numbers: readonly number[]) {
  return numbers.map((n) => ({ n, at: n * 1000 + 200, offset: String(n).padStart(16, "0") }));
}

/** A run in which everything that was accepted is recorded as delivered. */
export function record(more: Partial<RunRecord> = {}): RunRecord {
  const publications = more.publications ?? [];
  const delivered = publications.map(({ id }): [string, Entry] => [id, { state: "delivered" }]);
  return {
    ...{ windowMs: 30_000, heartbeatMs: 4_000, neverAccepted: 0, publications, toGroup: [] },
    ...{ clients: [], answers: [], troubles: [], noneReady: [], exits: [], crashes: [] },
    ledger: new Map(delivered),
    ...more,
  };
}

/** Asserts which findings of a record are faults, and how many of each; none where left out. */
export function assertFaults(
  delivered: RunRecord,
  expected: Readonly<Record<string, number>> = {},
): void {
  const { findings, isSound } = judge(delivered);
  const faults = findings.filter(({ count, isFault }) => isFault && count > 0)
    .map(({ what, count }) => [what.trim(), count] as const);
  assert.deepEqual(Object.fromEntries(faults), expected);
  assert.equal(isSound, faults.length === 0);
}

/** The count of one finding. */
export function countOf(delivered: RunRecord, what: string): number {
  const found = judge(delivered).findings.find((finding) => finding.what.trim() === what);
  assert.ok(found, `there is no finding '${what}'`);
  return found.count;
}
