/** Brings gauges up to date before each scrape, from those who know. */

import type { Buffer } from "../buffer/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { Metrics } from "../core/metrics.ts";
import type { TransportName } from "../core/subscription.ts";
import type { Transport } from "../core/transport.ts";
import type { Pipeline } from "../delivery/mod.ts";
import type { Realtime } from "../realtime/mod.ts";

/** See the file's comment. */
export function watchGauges(
  { metrics, buffer, realtime, pipeline, transports, clock }: {
    readonly metrics: Metrics;
    readonly buffer: Buffer;
    readonly realtime: Realtime;
    readonly pipeline: Pipeline;
    readonly transports: ReadonlyMap<TransportName, Transport>;
    readonly clock: Clock;
  },
): void {
  metrics.beforeScrape(() => {
    const { waiting, due, running } = buffer.depth();
    metrics.set("carillon_buffer_waiting", {}, waiting);
    metrics.set("carillon_processor_waiting", {}, due);
    metrics.set("carillon_processor_running", {}, running);
    metrics.set("carillon_notifications_in_flight", {}, pipeline.inFlight());
    metrics.set("carillon_retries_waiting", {}, pipeline.retriesWaiting());

    const { rss, heapUsed } = Deno.memoryUsage();
    metrics.set("carillon_process_resident_bytes", {}, rss);
    metrics.set("carillon_process_heap_bytes", {}, heapUsed);

    const { open, backlogBytes, closing } = realtime.stats();
    for (const [client, sockets] of open) metrics.set("carillon_sockets_open", { client }, sockets);
    metrics.set("carillon_socket_backlog_bytes", {}, backlogBytes);
    metrics.set("carillon_sockets_closing", {}, closing);

    for (const { transport, client, queue } of pipeline.queues.all()) {
      metrics.set("carillon_lane_in_flight", { transport, client }, queue.inFlight);
      const isOpen = queue.breaker.state === "open" ? 1 : 0;
      metrics.set("carillon_lane_open", { transport, client }, isOpen);
    }
    for (const [transport, way] of transports) {
      for (const { client, credentialExpiresAt } of way.status()) {
        if (credentialExpiresAt === undefined) continue;
        const seconds = (credentialExpiresAt - clock.now()) / 1000;
        metrics.set("carillon_credential_expiry_seconds", { transport, client }, seconds);
      }
    }
  });
}
