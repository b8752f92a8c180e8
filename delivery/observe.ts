/** Counts what becomes of notifications. Labels are bounded: rare topics share one. */

import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";
import type { LedgerObserver } from "./ledger.ts";

/** Topics that get a label of their own; the rest is counted as `other`. */
const MAX_TOPICS = 200;

/** An observer that turns the ledger's entries into metrics. */
export function createObserver(metrics: Metrics, clock: Clock): LedgerObserver {
  const topics = new Set<string>();

  function topicLabel(topic: string): string {
    if (topics.has(topic)) return topic;
    if (topics.size >= MAX_TOPICS) return "other";
    topics.add(topic);
    return topic;
  }

  return {
    target({ topic, acceptedAt }, { transport, client, state, attempts = 1 }) {
      const labels = { transport, client, topic: topicLabel(topic), outcome: state };
      metrics.count("carillon_outcomes_total", labels);
      if (attempts === 1) {
        const seconds = Math.max(0, clock.now() - acceptedAt) / 1000;
        metrics.observe("carillon_delivery_latency_seconds", { transport }, seconds);
      }
    },
    settled({ state }) {
      metrics.count("carillon_notifications_settled_total", { state });
    },
  };
}
