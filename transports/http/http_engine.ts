/**
 * Engines call APNs and FCM: the runtime's `fetch`, or this service's own HTTP/2 client. An engine
 * opens senders; no other code knows which one it is.
 */

import process from "node:process";
import type { Clock } from "../../core/clock.ts";
import { FetchSender } from "./fetch_sender.ts";
import type { HttpSender } from "./http_sender.ts";

/** What a sender is opened with. */
export interface HttpSenderOptions {
  /** `https://host[:port]` */
  readonly origin: string;
  /** Certificate authorities to trust in addition to the default ones, in PEM. */
  readonly caCerts: readonly string[];
  /** The client certificate and its key, in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Milliseconds from sending a request to its whole answer. */
  readonly timeoutMs: number;
  /**
   * Milliseconds after which an idle connection is closed, if the engine supports it; `false` for
   * never. @default {false}
   */
  readonly idleTimeoutMs?: number | false;
}

/** Opens senders. */
export interface HttpEngine {
  /** The most requests in flight of one sender. */
  readonly maxConcurrent: number;
  /** @throws what the runtime throws for a key that does not match its certificate. */
  open(options: HttpSenderOptions): HttpSender;
}

interface FetchEngineOptions {
  readonly fetch: typeof fetch;
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
  readonly clock: Clock;
  /** Connections of a sender. @default {4}, and up to twelve under load */
  readonly connections?: number;
}

const CONNECTIONS = 4;
/** At 50 ms to the provider, these carry up to 9,600 requests a second. */
const MAX_CONNECTIONS = 12;
/** Requests in flight per connection; above some sixty the runtime stalls. */
const MAX_IN_FLIGHT = 40;

/** Creates the engine on the runtime's `fetch`, which uses the environment's proxy. */
export function createFetchEngine(options: FetchEngineOptions): HttpEngine {
  const { fetch, createHttpClient, clock, connections = CONNECTIONS } = options;
  const maxConnections = options.connections ?? MAX_CONNECTIONS;
  const isCpuBound = createCpuBound({ clock, cpuTime: processCpuTime });
  return {
    maxConcurrent: maxConnections * MAX_IN_FLIGHT,
    open: ({ origin, caCerts, certificate, timeoutMs, idleTimeoutMs = false }) =>
      new FetchSender({
        clients: connections,
        maxClients: maxConnections,
        isCpuBound,
        maxInFlightPerClient: MAX_IN_FLIGHT,
        timeoutMs,
        warmUp: true,
        clock,
        fetch,
        createClient: () =>
          createHttpClient({
            // Only without HTTP/1 does a burst on a cold pool open one connection instead of one
            // per request. A fake on loopback speaks plain HTTP, where nothing is negotiated.
            http1: origin.startsWith("http:"),
            poolIdleTimeout: idleTimeoutMs,
            caCerts: [...caCerts],
            ...certificate,
          }),
      }),
  };
}

/** CPU time of all threads of the process so far, in milliseconds. */
function processCpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Long enough for a garbage collection not to count as load, short enough to follow a burst. */
const WINDOW_MS = 100;
/** An older sample says nothing about the present. */
const STALE_MS = 1_000;
/** JavaScript runs on one thread, and the runtime needs some of another for TLS. */
const BUSY_SHARE = 0.9;

/**
 * Returns a function that is true where the process was short of CPU in the last tenth of a second.
 * It reports so once per window, so that its effect can show first.
 */
export function createCpuBound(
  { clock, cpuTime }: { readonly clock: Pick<Clock, "monotonic">; readonly cpuTime: () => number },
): () => boolean {
  let sampledAt = -Infinity;
  let sampled = 0;
  return () => {
    const now = clock.monotonic();
    const window = now - sampledAt;
    if (window < WINDOW_MS) return true;
    const cpu = cpuTime();
    const share = (cpu - sampled) / window;
    sampledAt = now;
    sampled = cpu;
    return window > STALE_MS || share > BUSY_SHARE;
  };
}
