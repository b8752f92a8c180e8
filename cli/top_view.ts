/** What `top` shows of two readings of the metrics. Pure. */

import { table } from "./output.ts";
import { type MetricsText, sumOf } from "../doctor/prometheus_text.ts";

/** The metrics at one moment; `at` in milliseconds of a monotonic clock. */
export interface TopReading {
  readonly at: number;
  readonly metrics: MetricsText;
}

/** One provider queue. */
interface TopQueue {
  readonly transport: string;
  readonly client: string;
  readonly perSecond: number;
  readonly inFlight: number;
  readonly isOpen: boolean;
  readonly credentialDaysLeft?: number;
}

/** Rates are per second, sizes in bytes. */
interface TopView {
  readonly accepted: number;
  readonly settled: number;
  readonly merged: number;
  readonly deadLetters: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly retries: number;
  readonly sockets: number;
  readonly socketsClosing: number;
  readonly backlogBytes: number;
  readonly heapBytes: number;
  readonly residentBytes: number;
  /** Absent without Redis. */
  readonly nodes?: number;
  readonly isRedisUp?: boolean;
  readonly queues: readonly TopQueue[];
}

/** Compares two readings. */
export function topView(before: TopReading, now: TopReading): TopView {
  const seconds = Math.max((now.at - before.at) / 1000, 0.001);
  const { metrics } = now;
  const rate = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    // A counter that is lower than before belongs to a process that has started since.
    Math.max(0, sumOf(metrics, name, labels) - sumOf(before.metrics, name, labels)) / seconds;
  const value = (name: string) => sumOf(metrics, name);
  const nodes = value("carillon_nodes_alive");
  return {
    accepted: rate("carillon_notifications_accepted_total"),
    settled: rate("carillon_notifications_settled_total"),
    merged: rate("carillon_buffer_merged_total"),
    deadLetters: rate("carillon_dead_letters_total"),
    inFlight: value("carillon_notifications_in_flight"),
    waiting: value("carillon_buffer_waiting"),
    retries: value("carillon_retries_waiting"),
    sockets: value("carillon_sockets_open"),
    socketsClosing: value("carillon_sockets_closing"),
    backlogBytes: value("carillon_socket_backlog_bytes"),
    heapBytes: value("carillon_process_heap_bytes"),
    residentBytes: value("carillon_process_resident_bytes"),
    ...nodes > 0 && { nodes, isRedisUp: value("carillon_redis_up") === 1 },
    queues: (metrics.get("carillon_provider_queue_in_flight") ?? []).map(({ labels, value }) => {
      const { transport = "", client = "" } = labels;
      const expiry = metrics.get("carillon_credential_expiry_seconds")?.find((each) =>
        each.labels.transport === transport && each.labels.client === client
      );
      return {
        ...{ transport, client, inFlight: value },
        perSecond: rate("carillon_send_duration_seconds_count", { transport, client }),
        isOpen: sumOf(metrics, "carillon_provider_breaker_open", { transport, client }) > 0,
        ...expiry && { credentialDaysLeft: Math.floor(expiry.value / 86_400) },
      };
    }),
  };
}

/** The view as text. */
export function topText(
  view: TopView,
  { address, seconds }: { readonly address: string; readonly seconds: number },
): string {
  const redis = view.nodes === undefined
    ? []
    : [["nodes", String(view.nodes), "Redis", view.isRedisUp ? "up" : "DOWN"]];
  const numbers = table([
    ["accepted/s", rate(view.accepted), "settled/s", rate(view.settled)],
    ["merged/s", rate(view.merged), "dead letters/s", rate(view.deadLetters)],
    ["in flight", String(view.inFlight), "waiting for delay", String(view.waiting)],
    ["retries waiting", String(view.retries), "sockets", String(view.sockets)],
    ["sockets closing", String(view.socketsClosing), "backlog", mebibytes(view.backlogBytes)],
    ["heap", mebibytes(view.heapBytes), "resident", mebibytes(view.residentBytes)],
    ...redis,
  ]);
  const queues = view.queues.length === 0 ? "no provider queues" : table([
    ["transport", "client", "sent/s", "in flight", "breaker", "credential"],
    ...view.queues.map(({ transport, client, perSecond, inFlight, isOpen, credentialDaysLeft }) => [
      transport,
      client,
      rate(perSecond),
      String(inFlight),
      isOpen ? "OPEN" : "closed",
      credentialDaysLeft === undefined ? "" : `${credentialDaysLeft} days`,
    ]),
  ]);
  return `${address}, every ${seconds} s\n\n${numbers}\n\n${queues}`;
}

function rate(perSecond: number): string {
  return perSecond.toFixed(perSecond < 10 ? 1 : 0);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
