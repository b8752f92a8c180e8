/**
 * How APNs and FCM are called: `fetch` or this service's own HTTP/2 client. An engine opens
 * senders; nobody else knows which one it is.
 */

import type { Clock } from "../../core/clock.ts";
import { type CpuTime, createCpuBound, processCpuTime } from "./_cpu_bound.ts";
import { FetchSender } from "./fetch_sender.ts";
import type { HttpSender } from "./http_sender.ts";

/** What one app needs to call its provider. */
export interface HttpSenderOptions {
  /** `https://host[:port]` */
  readonly origin: string;
  /** Authorities to trust besides the usual ones, in PEM. */
  readonly caCerts: readonly string[];
  /** The client's certificate and its key, in PEM. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  /** Milliseconds from sending a request to its whole answer. */
  readonly timeoutMs: number;
  /**
   * Milliseconds after which a connection without requests is closed, where the engine does that.
   * @default {false}, which is never
   */
  readonly idleTimeoutMs?: number | false;
}

/** Opens senders of one kind. */
export interface HttpEngine {
  /** Requests that a sender has under way at most. */
  readonly maxConcurrent: number;
  /** @throws what the runtime throws for a key that does not match its certificate. */
  open(options: HttpSenderOptions): HttpSender;
}

/** What {@link createFetchEngine} is made of. */
export interface FetchEngineOptions {
  readonly fetch: typeof fetch;
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
  readonly clock: Clock;
  /**
   * Connections of a sender.
   * @default {4}
   */
  readonly connections?: number;
  /**
   * How many they may become under load. At 50 ms to the provider, twelve take up to 9,600 requests
   * a second.
   * @default {12}, or `connections` where that is given
   */
  readonly maxConnections?: number;
  /**
   * Requests under way at once per connection; above some sixty the runtime stalls.
   * @default {40}
   */
  readonly maxInFlight?: number;
  /** @default the process's own */
  readonly cpuTime?: CpuTime;
}

/** The runtime's `fetch`, which goes through a proxy where the environment names one. */
export function createFetchEngine(options: FetchEngineOptions): HttpEngine {
  const { fetch, createHttpClient, clock, connections = 4, maxInFlight = 40 } = options;
  const { maxConnections = options.connections ?? 12, cpuTime = processCpuTime } = options;
  const isCpuBound = createCpuBound({ clock, cpuTime });
  return {
    maxConcurrent: maxConnections * maxInFlight,
    open: ({ origin, caCerts, certificate, timeoutMs, idleTimeoutMs = false }) =>
      new FetchSender({
        clients: connections,
        maxClients: maxConnections,
        isCpuBound,
        maxInFlightPerClient: maxInFlight,
        timeoutMs,
        warmUp: true,
        clock,
        fetch,
        createClient: () =>
          createHttpClient({
            // Only then a burst on a cold pool opens one connection rather than one per request. Over
            // plain HTTP, which only a fake on loopback speaks, there is nothing to negotiate with.
            http1: origin.startsWith("http:"),
            poolIdleTimeout: idleTimeoutMs,
            caCerts: [...caCerts],
            ...certificate,
          }),
      }),
  };
}
