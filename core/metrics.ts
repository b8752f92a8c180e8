/**
 * Every metric of the service, listed once, and the registry that counts them. Names follow the
 * Prometheus conventions (base units, `_total` for counters). `docs/metrics.md` is generated from
 * this table.
 */

import { Counter, Gauge, type Metric, Registry } from "prom-client";
import { Buckets, Series } from "./_series.ts";

const LATENCY_SECONDS = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3, 5, 10, 30];

interface Definition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/** Name → what it measures. */
export const METRICS = {
  carillon_notifications_accepted_total: {
    type: "counter",
    help: "Notifications answered with 202",
  },
  carillon_notifications_recovered_total: {
    type: "counter",
    help: "Notifications in flight isRepeat: read back at start, or replayed as dead letters",
  },
  carillon_notifications_settled_total: {
    type: "counter",
    help: "Notifications that reached a final state",
    labels: ["state"],
  },
  carillon_notifications_caught_up_total: {
    type: "counter",
    help: "Notifications that a client got when it came back",
  },
  carillon_receipts_total: {
    type: "counter",
    help: "Reports of clients about notifications, the first of each kind and client",
    labels: ["kind"],
  },
  carillon_notifications_in_flight: {
    type: "gauge",
    help: "Notifications accepted and not yet settled",
  },
  carillon_outcomes_total: {
    type: "counter",
    help: "What became of attempts and suppressions",
    labels: ["transport", "client", "topic", "outcome"],
  },
  carillon_publish_duration_seconds: {
    type: "histogram",
    help: "From a publish being read to its being durable",
    buckets: LATENCY_SECONDS,
  },
  carillon_publish_limited_total: {
    type: "counter",
    help: "Publishes refused because a limit per second was reached",
    labels: ["limit"],
  },
  carillon_delivery_latency_seconds: {
    type: "histogram",
    help: "From acceptance to the outcome of the first attempt",
    labels: ["transport"],
    buckets: LATENCY_SECONDS,
  },
  carillon_buffer_waiting: { type: "gauge", help: "Notifications waiting for their delay" },
  carillon_buffer_merged_total: {
    type: "counter",
    help: "Notifications merged into one that was waiting",
  },
  carillon_processor_waiting: { type: "gauge", help: "Due notifications waiting for a processor" },
  carillon_processor_running: { type: "gauge", help: "Processors at work" },
  carillon_buffer_log_writes_total: { type: "counter", help: "Commits of the buffer's log" },
  carillon_buffer_log_records_total: {
    type: "counter",
    help: "Changes within the commits of the buffer's log",
  },
  carillon_buffer_log_commit_seconds: {
    type: "histogram",
    help: "Time of one commit of the buffer's log",
    buckets: LATENCY_SECONDS,
  },
  carillon_retries_waiting: { type: "gauge", help: "Attempts waiting to be made again" },
  carillon_dead_letters_total: {
    type: "counter",
    help: "Attempts given up",
    labels: ["transport", "client"],
  },
  carillon_lane_in_flight: {
    type: "gauge",
    help: "Sends under way",
    labels: ["transport", "client"],
  },
  carillon_lane_open: {
    type: "gauge",
    help: "1 while a circuit breaker holds a lane back",
    labels: ["transport", "client"],
  },
  carillon_send_duration_seconds: {
    type: "histogram",
    help: "Time of one attempt at a provider",
    labels: ["transport", "client"],
    buckets: LATENCY_SECONDS,
  },
  carillon_feedback_total: {
    type: "counter",
    help: "Feedback webhooks",
    labels: ["type", "result"],
  },
  carillon_credential_expiry_seconds: {
    type: "gauge",
    help: "Seconds until a client's credential ends",
    labels: ["transport", "client"],
  },
  carillon_sockets_open: { type: "gauge", help: "Open sockets", labels: ["client"] },
  carillon_sockets_opened_total: { type: "counter", help: "Sockets opened", labels: ["client"] },
  carillon_sockets_closed_total: {
    type: "counter",
    help: "Sockets closed",
    labels: ["client", "reason"],
  },
  carillon_sockets_refused_total: {
    type: "counter",
    help: "Sockets refused at the handshake",
    labels: ["reason"],
  },
  carillon_sockets_unknown_session_total: {
    type: "counter",
    help: "Requests of a session that this node does not have: its client begins anew",
  },
  carillon_sockets_closing: {
    type: "gauge",
    help: "WebSockets closed by the service whose peers have not answered yet",
  },
  carillon_socket_backlog_bytes: {
    type: "gauge",
    help: "Bytes handed to sockets and not yet taken by their peers",
  },
  carillon_sockets_resumed_total: {
    type: "counter",
    help: "Sockets whose client came back; `complete`: whether the log had all that it missed",
    labels: ["complete"],
  },
  carillon_sockets_replayed_total: {
    type: "counter",
    help: "Events that clients had missed when they came back",
  },
  carillon_sockets_resynced_total: {
    type: "counter",
    help: "Sockets told `resync`: the log had not all that they missed",
    labels: ["client"],
  },
  carillon_sockets_gaps_total: {
    type: "counter",
    help: "Times that a socket was told an event out of turn, and looked into the log",
  },
  carillon_events_kept_bytes: {
    type: "gauge",
    help: "Bytes of the event logs in memory (one node without Redis)",
  },
  carillon_nodes_alive: { type: "gauge", help: "Nodes that this one sees, itself included" },
  carillon_node_lapses_total: {
    type: "counter",
    help: "Times that this node was out of the others' sight for longer than its lease",
  },
  carillon_claims_taken_over_total: {
    type: "counter",
    help: "Notifications that this node returned from nodes that are gone",
  },
  carillon_redis_up: { type: "gauge", help: "1 while Redis answers" },
  carillon_redis_pending: { type: "gauge", help: "Commands sent to Redis and not answered" },
  carillon_redis_script_seconds: {
    type: "histogram",
    help: "Time from sending a script to its answer",
    labels: ["script"],
    buckets: LATENCY_SECONDS,
  },
  carillon_process_resident_bytes: {
    type: "gauge",
    help: "Memory of the process, everything included",
  },
  carillon_process_heap_bytes: {
    type: "gauge",
    help: "JavaScript heap in use, with what waits for the collector of garbage",
  },
  carillon_http_requests_total: {
    type: "counter",
    help: "HTTP requests",
    labels: ["route", "method", "status"],
  },
  carillon_config_reloads_total: {
    type: "counter",
    help: "Reloads of the configuration",
    labels: ["result"],
  },
} as const satisfies Record<string, Definition>;

/** Name of a metric. */
export type MetricName = keyof typeof METRICS;

type LabelsOf<N extends MetricName> = typeof METRICS[N] extends { labels: readonly (infer L)[] }
  ? Readonly<Record<L & string, string>>
  : Readonly<Record<never, string>>;

type NameOf<T extends Definition["type"]> = {
  [N in MetricName]: typeof METRICS[N]["type"] extends T ? N : never;
}[MetricName];

/** What the rest of the service counts with. */
export interface Metrics {
  /** Adds to a counter. */
  count<N extends NameOf<"counter">>(name: N, labels: LabelsOf<N>, by?: number): void;
  /** Sets a gauge. */
  set<N extends NameOf<"gauge">>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Adds a measurement, in the unit the name ends in. */
  observe<N extends NameOf<"histogram">>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Registers a function that brings gauges up to date before each scrape. */
  beforeScrape(refresh: () => void): void;
  /** The text exposition format. */
  expose(): Promise<string>;
}

/** A registry of its own, with every metric of the table present from the start. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const refreshers: (() => void)[] = [];
  const counters = new Map<string, Series<{ add: number }>>();
  const gauges = new Map<string, Gauge>();
  const histograms = new Map<string, Series<Buckets>>();
  for (const [name, definition] of Object.entries<Definition>(METRICS)) {
    const { type, help, labels = [], buckets = [] } = definition;
    const base = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "gauge") gauges.set(name, new Gauge(base));
    else if (type === "counter") counters.set(name, countersOf(base));
    else {
      const series = new Series(labels, (labels) => new Buckets(buckets, labels));
      if (labels.length === 0) series.of({});
      histograms.set(name, series);
      registry.registerMetric(histogramOf({ name, help }, series));
    }
  }
  return {
    count: (name, labels, by = 1) => void (counters.get(name)!.of(labels).add += by),
    set: (name, labels, value) => gauges.get(name)!.set(labels, value),
    observe: (name, labels, value) => histograms.get(name)!.of(labels).observe(value),
    beforeScrape: (refresh) => void refreshers.push(refresh),
    expose() {
      for (const refresh of refreshers) refresh();
      return registry.metrics();
    },
  };
}

/** What is added to a counter until the next scrape. */
function countersOf(base: ConstructorParameters<typeof Counter>[0]): Series<{ add: number }> {
  const series = new Series(base.labelNames ?? [], (labels) => ({ labels, add: 0 }));
  new Counter({
    ...base,
    collect() {
      for (const entry of series.values()) {
        this.inc(entry.labels, entry.add);
        entry.add = 0;
      }
    },
  });
  return series;
}

/** A metric as far as a registry needs it to expose one. */
function histogramOf(
  { name, help }: { readonly name: string; readonly help: string },
  series: Series<Buckets>,
): Metric {
  const get = () => {
    const values = [...series.values()].flatMap((buckets) => buckets.lines(name));
    return Promise.resolve({ name, help, type: "histogram", values });
  };
  return { name, get } as unknown as Metric;
}
