/**
 * The table of all metrics, and the registry that counts them. Names follow the Prometheus
 * conventions (base units, `_total` for counters). `docs/metrics.md` is generated from the table.
 */

import { Gauge, Registry } from "prom-client";
import { countersOf, histogramOf } from "./_prom_metrics.ts";
import { Buckets, Series } from "./_series.ts";

const LATENCY_SECONDS = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3, 5, 10, 30];

interface Definition {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/** Every metric by its name. */
export const METRICS = {
  carillon_notifications_accepted_total: {
    type: "counter",
    help: "Notifications answered with 202",
  },
  carillon_notifications_recovered_total: {
    type: "counter",
    help: "Notifications in flight again: recovered at start, or replayed as dead letters",
  },
  carillon_notifications_settled_total: {
    type: "counter",
    help: "Notifications that reached a final state",
    labels: ["state"],
  },
  carillon_deferred_receipts_total: {
    type: "counter",
    help: "Notifications that a client acknowledged after it reconnected",
  },
  carillon_notifications_in_flight: {
    type: "gauge",
    help: "Notifications accepted and not yet settled",
  },
  carillon_outcomes_total: {
    type: "counter",
    help: "Outcomes of attempts, and suppressed targets",
    labels: ["transport", "client", "topic", "outcome"],
  },
  carillon_publish_duration_seconds: {
    type: "histogram",
    help: "Time from reading a publish to its durable commit",
    buckets: LATENCY_SECONDS,
  },
  carillon_publish_limited_total: {
    type: "counter",
    help: "Publishes refused because a rate limit was reached",
    labels: ["limit"],
  },
  carillon_delivery_latency_seconds: {
    type: "histogram",
    help: "Time from acceptance to the outcome of the first attempt",
    labels: ["transport"],
    buckets: LATENCY_SECONDS,
  },
  carillon_buffer_waiting: {
    type: "gauge",
    help: "Notifications that wait for the end of their delay",
  },
  carillon_buffer_merged_total: {
    type: "counter",
    help: "Notifications merged into a similar one that waited",
  },
  carillon_processor_waiting: {
    type: "gauge",
    help: "Due notifications that wait for a processor",
  },
  carillon_processor_running: { type: "gauge", help: "Processors that are busy" },
  carillon_buffer_log_writes_total: { type: "counter", help: "Commits to the buffer's log" },
  carillon_buffer_log_records_total: {
    type: "counter",
    help: "Changes in the commits to the buffer's log",
  },
  carillon_buffer_log_commit_seconds: {
    type: "histogram",
    help: "Time of one commit to the buffer's log",
    buckets: LATENCY_SECONDS,
  },
  carillon_retries_waiting: { type: "gauge", help: "Retries that wait for their time" },
  carillon_dead_letters_total: {
    type: "counter",
    help: "Messages given up as dead letters",
    labels: ["transport", "client"],
  },
  carillon_provider_queue_in_flight: {
    type: "gauge",
    help: "Sends in progress",
    labels: ["transport", "client"],
  },
  carillon_provider_breaker_open: {
    type: "gauge",
    help: "1 while the circuit breaker of a provider queue is open",
    labels: ["transport", "client"],
  },
  carillon_send_duration_seconds: {
    type: "histogram",
    help: "Time of one attempt to send to a provider",
    labels: ["transport", "client"],
    buckets: LATENCY_SECONDS,
  },
  carillon_feedback_total: {
    type: "counter",
    help: "Feedback webhooks, by result",
    labels: ["type", "result"],
  },
  carillon_webhooks_received_total: {
    type: "counter",
    help: "Webhooks of an Open-Xchange middleware, by what they were answered with",
    labels: ["result"],
  },
  carillon_middleware_requests_total: {
    type: "counter",
    help: "Questions to the Open-Xchange middleware, by what came of them",
    labels: ["question", "result"],
  },
  carillon_middleware_open: {
    type: "gauge",
    help: "1 while a circuit breaker keeps questions from the Open-Xchange middleware",
  },
  carillon_credential_expiry_seconds: {
    type: "gauge",
    help: "Seconds until a client's credential expires",
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
    help: "Requests for an Engine.IO session that this node does not have; the client reconnects",
  },
  carillon_sockets_closing: {
    type: "gauge",
    help: "WebSockets that the service closed and whose peers have not answered",
  },
  carillon_socket_backlog_bytes: {
    type: "gauge",
    help: "Bytes sent to sockets and not yet read by their peers",
  },
  carillon_sockets_resumed_total: {
    type: "counter",
    help:
      "Sockets that resumed; `complete`: whether the log had every event that the client missed",
    labels: ["complete"],
  },
  carillon_sockets_replayed_total: {
    type: "counter",
    help: "Events replayed to clients that reconnected",
  },
  carillon_sockets_resynced_total: {
    type: "counter",
    help: "Sockets that were sent `resync`, because the log lacked events that they missed",
    labels: ["client"],
  },
  carillon_sockets_gaps_total: {
    type: "counter",
    help: "Times that a socket detected a gap between events and read the log",
  },
  carillon_events_kept_bytes: {
    type: "gauge",
    help: "Bytes of the event logs in memory (single node only)",
  },
  carillon_nodes_alive: {
    type: "gauge",
    help: "Nodes alive, as this node sees them, itself included",
  },
  carillon_node_leases_lost_total: {
    type: "counter",
    help: "Times that this node failed to renew its lease in time",
  },
  carillon_claims_reclaimed_total: {
    type: "counter",
    help: "Notifications that this node reclaimed from failed nodes",
  },
  carillon_redis_up: { type: "gauge", help: "1 while Redis answers" },
  carillon_redis_pending: { type: "gauge", help: "Commands sent to Redis and not yet answered" },
  carillon_redis_script_seconds: {
    type: "histogram",
    help: "Time from sending a script to Redis to its answer",
    labels: ["script"],
    buckets: LATENCY_SECONDS,
  },
  carillon_process_resident_bytes: {
    type: "gauge",
    help: "Resident memory of the process",
  },
  carillon_process_heap_bytes: {
    type: "gauge",
    help: "JavaScript heap in use, including garbage that is not yet collected",
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

type MetricName = keyof typeof METRICS;

type LabelsOf<N extends MetricName> = typeof METRICS[N] extends { labels: readonly (infer L)[] }
  ? Readonly<Record<L & string, string>>
  : Readonly<Record<never, string>>;

type NameOf<T extends Definition["type"]> = {
  [N in MetricName]: typeof METRICS[N]["type"] extends T ? N : never;
}[MetricName];

/** The port for metrics. */
export interface Metrics {
  /** Adds to a counter. */
  count<N extends NameOf<"counter">>(name: N, labels: LabelsOf<N>, by?: number): void;
  /** Sets a gauge. */
  set<N extends NameOf<"gauge">>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Adds a measurement to a histogram, in the unit of its name. */
  observe<N extends NameOf<"histogram">>(name: N, labels: LabelsOf<N>, value: number): void;
  /** Registers a function that updates gauges before each scrape. */
  beforeScrape(refresh: () => void): void;
  /** Returns the present values of a counter by their labels. */
  totals(name: NameOf<"counter">): Promise<readonly MetricTotal[]>;
  /** Returns all metrics in the Prometheus text format. */
  expose(): Promise<string>;
}

/** One value of a counter. */
interface MetricTotal {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Creates a registry that contains every metric of the table from the start. */
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
    async totals(name) {
      for (const refresh of refreshers) refresh();
      const { values } = await registry.getSingleMetric(name)!.get();
      return values as MetricTotal[];
    },
    expose() {
      for (const refresh of refreshers) refresh();
      return registry.metrics();
    },
  };
}
