/**
 * Fills a data file with ledger records in the service's own form, straight into the store: through
 * the service, ten million notifications would take minutes and measure something else. The newest
 * records have values of their own, as single publishes leave them; the older ones are packed, as
 * batches leave them.
 */

import { LedgerValues } from "../../buffer/ledger_values.ts";
import { systemClock } from "../../core/clock.ts";
import { createIdSource } from "../../core/ids.ts";
import { encodeFields } from "../../core/ledger_codec.ts";
import type { LedgerRecord } from "../../core/ledger.ts";
import { openKvStore } from "../../store/mod.ts";

/** What a file is filled with. */
interface LedgerFill {
  readonly records: number;
  /** The newest so many have values of their own. */
  readonly singles: number;
  /** Notifications of one millisecond. */
  readonly perMs: number;
}

/** Changes in one commit. */
const SINGLES_AT_ONCE = 500;
const PACKED_AT_ONCE = 2_000;
const RETENTION_MS = 7 * 24 * 3_600_000;
/** Records are spread over so many contexts and users. */
const CONTEXTS = 100;
const USERS = 10_000;
const STATES = ["delivered", "delivered", "delivered", "suppressed", "dead"] as const;

/** Fills a new data file; the last record is of now. */
export async function fillLedger(
  path: string,
  { records, singles, perMs }: LedgerFill,
): Promise<void> {
  await using store = await openKvStore(path, { clock: systemClock, random: Math.random });
  const values = new LedgerValues(store, {
    maxValueBytes: store.traits.maxValueBytes,
    retentionMs: () => RETENTION_MS,
  });
  let now = Date.now() - Math.ceil(records / perMs);
  const tag = "80000001";
  const newId = createIdSource({ now: () => now }, { tag });
  for (let from = 0; from < records;) {
    const areSingle = from >= records - singles;
    const end = areSingle
      ? Math.min(records, from + SINGLES_AT_ONCE)
      : Math.min(records - singles, from + PACKED_AT_ONCE);
    const items: string[] = [];
    for (let n = from; n < end; n++) {
      if (n % perMs === 0) now++;
      const id = newId();
      items.push(`["${id}",${encodeFields(recordOf(id, { n, at: now }))}`);
    }
    const groups = areSingle ? items.map((item) => [item]) : [items];
    const sets = groups.flatMap((group) => values.sets(group, { tag, mayBeAmended: false }));
    await store.commit({ sets });
    from = end;
  }
}

function recordOf(id: string, { n, at }: { readonly n: number; readonly at: number }) {
  const state = STATES[n % STATES.length]!;
  return {
    ...{ id, context: String(n % CONTEXTS), user: String(n % USERS), topic: "ox:mail:new" },
    ...{ acceptedAt: at, state },
    targets: [{
      ...{ client: "open-xchange-mobile-api-facade", transport: "apn" },
      state: state === "delivered" ? "sent" : state === "dead" ? "dead" : "disabled",
      at: at + 1_000,
    }],
  } satisfies LedgerRecord;
}
