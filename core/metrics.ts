/**
 * The table of all metrics, and the registry that counts them. Names follow the Prometheus
 * conventions (base units, `_total` for counters). `docs/metrics.md` is generated from the table.
 */

import { Counter, Gauge, type Metric, Registry } from "prom-client";
import { Buckets, Series } from "./_series.ts";

/** Bounds of the buckets of all histograms. */
const LATENCY_SECONDS = [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 1.5, 2, 3, 5, 10, 30];

type Kind = "counter" | "gauge" | "histogram";

interface Definition<T extends Kind = Kind, Label extends string = string> {
  readonly type: T;
  readonly help: string;
  readonly labels: readonly Label[];
}

function definer<T extends Kind>(type: T) {
  return <L extends string = never>(help: string, labels: L[] = []): Definition<T, L> => ({
    ...{ type, help, labels },
  });
}

const counter = definer("counter");
const gauge = definer("gauge");
const histogram = definer("histogram");

/** Every metric by its name. */
export const METRICS = {
  carillon_notifications_accepted_total: counter("Notifications answered with 202"),
  carillon_notifications_recovered_total: counter(
    "Notifications in flight again: recovered at start, or replayed as dead letters",
  ),
  carillon_notifications_settled_total: counter("Notifications that reached a final state", [
    "state",
  ]),
  carillon_deferred_receipts_total: counter(
    "Notifications that a client acknowledged after it reconnected",
  ),
  carillon_receipts_total: counter(
    "Reports of clients about notifications, the first of each kind and client",
    ["kind"],
  ),
  carillon_fanout_users_total: counter(
    "Users that notifications to many users were accepted for",
  ),
  carillon_notifications_in_flight: gauge("Notifications accepted and not yet settled"),
  carillon_outcomes_total: counter("Outcomes of attempts, and suppressed targets", [
    "transport",
    "client",
    "topic",
    "outcome",
  ]),
  carillon_publish_duration_seconds: histogram("Time from reading a publish to its durable commit"),
  carillon_publish_limited_total: counter("Publishes refused because a rate limit was reached", [
    "limit",
  ]),
  carillon_delivery_latency_seconds: histogram(
    "Time from acceptance to the outcome of the first attempt",
    ["transport"],
  ),
  carillon_buffer_waiting: gauge("Notifications that wait for the end of their delay"),
  carillon_buffer_merged_total: counter("Notifications merged into a similar one that waited"),
  carillon_processor_waiting: gauge("Due notifications that wait for a processor"),
  carillon_processor_running: gauge("Processors that are busy"),
  carillon_buffer_log_writes_total: counter("Commits to the buffer's log"),
  carillon_buffer_log_records_total: counter("Changes in the commits to the buffer's log"),
  carillon_buffer_log_commit_seconds: histogram("Time of one commit to the buffer's log"),
  carillon_retries_waiting: gauge("Retries that wait for their time"),
  carillon_dead_letters_total: counter("Messages given up as dead letters", [
    "transport",
    "client",
  ]),
  carillon_provider_queue_in_flight: gauge("Sends in progress", ["transport", "client"]),
  carillon_provider_breaker_open: gauge("1 while the circuit breaker of a provider queue is open", [
    "transport",
    "client",
  ]),
  carillon_send_duration_seconds: histogram("Time of one attempt to send to a provider", [
    "transport",
    "client",
  ]),
  carillon_feedback_total: counter("Feedback webhooks, by result", ["type", "result"]),
  carillon_webhooks_received_total: counter(
    "Webhooks of an Open-Xchange middleware, by what they were answered with",
    ["result"],
  ),
  carillon_middleware_requests_total: counter(
    "Questions to the Open-Xchange middleware, by what came of them",
    ["question", "result"],
  ),
  carillon_middleware_open: gauge(
    "1 while a circuit breaker keeps questions from the Open-Xchange middleware",
  ),
  carillon_credential_expiry_seconds: gauge("Seconds until a client's credential expires", [
    "transport",
    "client",
  ]),
  carillon_sockets_open: gauge("Open sockets", ["client"]),
  carillon_sockets_opened_total: counter("Sockets opened", ["client"]),
  carillon_sockets_closed_total: counter("Sockets closed", ["client", "reason"]),
  carillon_sockets_refused_total: counter("Sockets refused at the handshake", ["reason"]),
  carillon_sockets_unknown_session_total: counter(
    "Requests for an Engine.IO session that this node does not have; the client reconnects",
  ),
  carillon_sockets_closing: gauge(
    "WebSockets that the service closed and whose peers have not answered",
  ),
  carillon_socket_backlog_bytes: gauge("Bytes sent to sockets and not yet read by their peers"),
  carillon_sockets_resumed_total: counter(
    "Sockets that resumed; `complete`: whether the log had every event that the client missed",
    ["complete"],
  ),
  carillon_sockets_replayed_total: counter("Events replayed to clients that reconnected"),
  carillon_sockets_resynced_total: counter(
    "Sockets that were sent `resync`, because the log lacked events that they missed",
    ["client"],
  ),
  carillon_sockets_gaps_total: counter(
    "Times that a socket detected a gap between events and read the log",
  ),
  carillon_events_kept_bytes: gauge("Bytes of the event logs in memory (single node only)"),
  carillon_nodes_alive: gauge("Nodes alive, as this node sees them, itself included"),
  carillon_node_leases_lost_total: counter(
    "Times that this node failed to renew its lease in time",
  ),
  carillon_claims_reclaimed_total: counter(
    "Notifications that this node reclaimed from failed nodes",
  ),
  carillon_redis_up: gauge("1 while Redis answers"),
  carillon_redis_pending: gauge("Commands sent to Redis and not yet answered"),
  carillon_redis_script_seconds: histogram("Time from sending a script to Redis to its answer", [
    "script",
  ]),
  carillon_process_resident_bytes: gauge("Resident memory of the process"),
  carillon_process_heap_bytes: gauge(
    "JavaScript heap in use, including garbage that is not yet collected",
  ),
  carillon_http_requests_total: counter("HTTP requests", ["route", "method", "status"]),
  carillon_config_reloads_total: counter("Reloads of the configuration", ["result"]),
};

type MetricName = keyof typeof METRICS;

type LabelsOf<N extends MetricName> = Readonly<
  Record<typeof METRICS[N]["labels"][number], string>
>;

type NameOf<T extends Kind> = {
  [N in MetricName]: typeof METRICS[N]["type"] extends T ? N : never;
}[MetricName];

/** The port for metrics. */
export interface Metrics {
  count<N extends NameOf<"counter">>(name: N, labels: LabelsOf<N>, by?: number): void;
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
    const { type, help, labels } = definition;
    const base = { name, help, labelNames: [...labels], registers: [registry] };
    if (type === "gauge") gauges.set(name, new Gauge(base));
    else if (type === "counter") counters.set(name, countersOf(base));
    else {
      const series = new Series(labels, (labels) => new Buckets(LATENCY_SECONDS, labels));
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

/** Registers a counter; returns the increments that it has not yet received. */
function countersOf(
  base: ConstructorParameters<typeof Counter>[0],
): Series<{ add: number }> {
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

/** Returns as much of a metric as the registry needs to expose a histogram. */
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
