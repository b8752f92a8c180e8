/**
 * What operators see of a running node: the checks of `/readyz`, the progress of the recovery at the
 * start, and the gauges that are updated before each scrape.
 */

import type { Buffer } from "../buffer/mod.ts";
import { type Clock, sleep } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import type { Metrics } from "../core/metrics.ts";
import type { Store } from "../core/store.ts";
import type { TransportName } from "../core/subscription.ts";
import type { ClientStatus, Transport } from "../core/transport.ts";
import type { Pipeline } from "../delivery/mod.ts";
import type { Realtime } from "../realtime/mod.ts";
import type { ReadinessCheck } from "../routes/mod.ts";
import type { Backend } from "./backend.ts";

const DAY_MS = 86_400_000;

/**
 * Returns the function that runs the checks of `/readyz`: the store, whether the node shuts down,
 * the recovery, and each transport's clients. A client with a bad credential does not make the node
 * unready.
 */
export function createReadiness(
  { backend, transports, isShuttingDown, recoveryChecks = () => [], clock }: {
    readonly backend: Pick<Backend, "store" | "checks">;
    readonly transports: ReadonlyMap<TransportName, Transport>;
    readonly isShuttingDown: () => boolean;
    readonly recoveryChecks?: () => readonly ReadinessCheck[];
    readonly clock: Clock;
  },
): () => Promise<readonly ReadinessCheck[]> {
  function detailOf({ client, ready, detail, credentialExpiresAt }: ClientStatus) {
    return {
      ...{ client, ready, detail },
      ...(credentialExpiresAt !== undefined && {
        credentialDaysLeft: Math.floor((credentialExpiresAt - clock.now()) / DAY_MS),
      }),
    };
  }

  return async () => {
    const transportChecks = [...transports].map(([name, transport]): ReadinessCheck => {
      const clients = transport.status();
      return {
        name: `transport ${name}`,
        ok: clients.every(({ ready }) => ready),
        optional: true,
        ...(clients.length > 0 && { detail: clients.map(detailOf) }),
      };
    });
    return [
      ...await Promise.all([storeCheck(backend.store), backend.checks()]),
      { name: "in service", ok: !isShuttingDown() },
      ...recoveryChecks(),
      ...transportChecks,
    ].flat();
  };
}

async function storeCheck(store: Store): Promise<ReadinessCheck> {
  try {
    // A write and not only a read: a full disk can still be read.
    await store.commit({ sets: [{ key: ["health"], value: { v: 1 } }] });
    return { name: "store", ok: true };
  } catch (thrown) {
    return { name: "store", ok: false, detail: messageOf(thrown, 200) };
  }
}

/** The recovery of the notifications that were in flight when the previous process ended. */
export interface LogRecovery {
  /** Resolves when all are recovered, or after one second. Rejects if recovery fails by then. */
  readonly firstSecond: Promise<void>;
  /** Returns a check for `/readyz` until recovery is complete. It never makes the node unready. */
  checks(): readonly ReadinessCheck[];
}

const FIRST_SECOND_MS = 1_000;

/**
 * Watches the recovery at a start. A log that takes longer than a second is read while the node
 * already accepts publishes and sockets; the log and `/readyz` say so meanwhile.
 *
 * @param recovered resolves to the number of recovered notifications when all of them are read
 */
export function watchRecovery(
  recovered: Promise<number>,
  { clock, log, metrics }: {
    readonly clock: Clock;
    readonly log: Log;
    readonly metrics: Metrics;
  },
): LogRecovery {
  let detail: string | undefined = "notifications that were in flight are being recovered";
  const counted = recovered.then((count) => {
    detail = undefined;
    metrics.count("carillon_notifications_recovered_total", {}, count);
    if (count > 0) {
      log.info("notifications that were in flight are recovered", { recovered: count });
    }
  });
  counted.catch((thrown) => {
    detail = "some notifications in flight could not be recovered: restart this node";
    log.error(detail, { reason: messageOf(thrown) });
  });
  const over = new AbortController();
  const late = sleep(clock, FIRST_SECOND_MS, over.signal).then(() => {
    if (detail === undefined) return;
    log.info("notifications that were in flight are being recovered; publishes are accepted");
  }, () => {});
  return {
    firstSecond: Promise.race([counted, late]).finally(() => over.abort()),
    checks: () =>
      detail === undefined ? [] : [{ name: "recovery", ok: false, optional: true, detail }],
  };
}

/** Updates the gauges before each scrape. */
export function updateGauges(
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
      metrics.set("carillon_provider_queue_in_flight", { transport, client }, queue.inFlight);
      const isOpen = queue.breaker.state === "open" ? 1 : 0;
      metrics.set("carillon_provider_breaker_open", { transport, client }, isOpen);
    }
    for (const [name, transport] of transports) {
      for (const { client, credentialExpiresAt } of transport.status()) {
        if (credentialExpiresAt === undefined) continue;
        const seconds = (credentialExpiresAt - clock.now()) / 1000;
        metrics.set("carillon_credential_expiry_seconds", { transport: name, client }, seconds);
      }
    }
  });
}
