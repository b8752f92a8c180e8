/** Counts outcomes as metrics. The number of labels is bounded: rare topics share one. */

import { type LedgerRecord, TARGET_STATES } from "../core/ledger.ts";
import type { Metrics } from "../core/metrics.ts";
import { TRANSPORTS } from "../core/subscription.ts";
import type { LedgerObserver } from "./ledger.ts";

/** Topics with a label of their own, over all clients; all others count as one. */
const MAX_TOPICS = 200;
const OTHER = "other";

/**
 * Creates the ledger observer that updates the metrics.
 *
 * @param onSettled receives the records of those that are parts of one to many users
 */
export function createObserver(
  metrics: Metrics,
  onSettled: (record: LedgerRecord) => void = () => {},
): LedgerObserver {
  /** client → topic → counts by transport and state, summed until the next scrape. */
  const clients = new Map<string, Map<string, Uint32Array>>();
  let topics = 0;

  function countsOf(client: string, topic: string): Uint32Array {
    let byTopic = clients.get(client);
    if (!byTopic) clients.set(client, byTopic = new Map());
    const known = byTopic.get(topic);
    if (known) return known;
    if (topics >= MAX_TOPICS && topic !== OTHER) return countsOf(client, OTHER);
    topics++;
    const counts = new Uint32Array(TRANSPORTS.length * TARGET_STATES.length);
    byTopic.set(topic, counts);
    return counts;
  }

  metrics.beforeScrape(() => {
    for (const [client, byTopic] of clients) {
      for (const [topic, counts] of byTopic) {
        counts.forEach((count, index) => {
          if (count === 0) return;
          const transport = TRANSPORTS[Math.floor(index / TARGET_STATES.length)]!;
          const outcome = TARGET_STATES[index % TARGET_STATES.length]!;
          metrics.count("carillon_outcomes_total", { transport, client, topic, outcome }, count);
        });
        counts.fill(0);
      }
    }
  });

  return {
    target({ topic, acceptedAt }, { transport, client, state, attempts = 1, at }) {
      const counts = countsOf(client, topic);
      const index = TRANSPORTS.indexOf(transport) * TARGET_STATES.length;
      counts[index + TARGET_STATES.indexOf(state)]!++;
      if (attempts === 1 && state !== "held") {
        const seconds = Math.max(0, at - acceptedAt) / 1000;
        metrics.observe("carillon_delivery_latency_seconds", { transport }, seconds);
      }
    },
    settled(record) {
      metrics.count("carillon_notifications_settled_total", { state: record.state });
      if (record.fanout !== undefined) onSettled(record);
    },
    reopened() {
      metrics.count("carillon_notifications_recovered_total", {});
    },
    received({ kind }) {
      metrics.count("carillon_receipts_total", { kind });
    },
    acknowledged() {
      metrics.count("carillon_deferred_receipts_total", {});
    },
  };
}
