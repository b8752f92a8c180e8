/** The engine that calls APNs and FCM over this service's own HTTP/2 client. */

import type { Clock } from "../../core/clock.ts";
import type { HttpEngine } from "../http/mod.ts";
import { connectTls, type TlsRuntime } from "./connect_tls.ts";
import { Http2Sender } from "./http2_sender.ts";

/** What {@link createHttp2Engine} is made of. */
export interface Http2EngineOptions {
  readonly runtime: TlsRuntime;
  /** Says at once what is wrong with a certificate, which a connection would say only later. */
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
  readonly clock: Clock;
  /**
   * Connections of a sender while all are full. Google allows 100 requests on one, Apple 1,000.
   * @default {15}
   */
  readonly maxConnections?: number;
  /**
   * Requests under way at once, on as few connections as the far side allows.
   * @default {1500}
   */
  readonly maxConcurrent?: number;
  /**
   * Milliseconds of silence on a connection with requests under way, after which a PING asks
   * whether anybody is there.
   * @default {2500}
   */
  readonly silenceMs?: number;
}

const HTTPS_PORT = 443;

/** HTTP/2 over the runtime's TLS. Knows no proxies. */
export function createHttp2Engine(options: Http2EngineOptions): HttpEngine {
  const { runtime, createHttpClient, clock } = options;
  const { maxConnections = 15, maxConcurrent = 1500, silenceMs = 2500 } = options;
  return {
    maxConcurrent,
    open({ origin, caCerts, certificate, timeoutMs }) {
      if (certificate) createHttpClient({ ...certificate, caCerts: [...caCerts] }).close();
      const { hostname, port } = new URL(origin);
      const target = {
        // An IPv6 address is in brackets in a URL only.
        hostname: hostname.replace(/^\[|\]$/g, ""),
        port: port === "" ? HTTPS_PORT : Number(port),
        caCerts,
        ...certificate && { certificate },
      };
      return new Http2Sender({
        origin,
        connect: (signal) => connectTls(runtime, { ...target, signal }),
        maxConnections,
        maxStreams: maxConcurrent,
        timeoutMs,
        silenceMs,
        clock,
      });
    },
  };
}
