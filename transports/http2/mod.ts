/**
 * An HTTP/2 client over TLS for many small `POST`s to one host, and the engine that calls APNs and
 * FCM through it.
 */

import type { Clock } from "../../core/clock.ts";
import type { HttpEngine, HttpSenderOptions } from "../http/mod.ts";
import { closeQuietly } from "./http2_connection.ts";
import { Http2Sender } from "./http2_sender.ts";

/** The functions of the runtime that this needs. */
type TlsRuntime = Pick<typeof Deno, "connect" | "startTls" | "connectTls">;

interface Http2EngineOptions {
  readonly runtime: TlsRuntime;
  /** Checks a certificate at once; a connection would report a fault only later. */
  readonly createHttpClient: (options: Deno.CreateHttpClientOptions) => Deno.HttpClient;
  readonly clock: Clock;
  /**
   * The most connections of a sender, opened while all are full. Google allows 100 requests on one,
   * Apple 1,000. @default {15}
   */
  readonly maxConnections?: number;
  /** Requests in flight at once, on as few connections as the server allows. @default {1500} */
  readonly maxConcurrent?: number;
  /**
   * Milliseconds without a received byte, with requests in flight, before a PING checks the
   * connection. @default {2500}
   */
  readonly silenceMs?: number;
}

const HTTPS_PORT = 443;

/** Creates the engine. It does not support proxies. */
export function createHttp2Engine(options: Http2EngineOptions): HttpEngine {
  const { runtime, createHttpClient, clock } = options;
  const { maxConnections = 15, maxConcurrent = 1500, silenceMs = 2500 } = options;
  return {
    maxConcurrent,
    open({ origin, caCerts, certificate, timeoutMs }) {
      if (certificate) createHttpClient({ ...certificate, caCerts: [...caCerts] }).close();
      const { hostname, port } = new URL(origin);
      const target = {
        // In a URL an IPv6 address is in brackets.
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

interface TlsTarget extends Pick<HttpSenderOptions, "caCerts" | "certificate"> {
  readonly hostname: string;
  readonly port: number;
  readonly signal: AbortSignal;
}

/**
 * Opens a TLS connection that offers HTTP/2. TCP_NODELAY is set, except with a client certificate:
 * the runtime (2.9.6) does not allow both.
 */
async function connectTls(
  runtime: TlsRuntime,
  { hostname, port, caCerts, certificate, signal }: TlsTarget,
): Promise<Deno.TlsConn> {
  const options = { hostname, alpnProtocols: ["h2"], caCerts: [...caCerts] };
  if (certificate) return await runtime.connectTls({ ...options, ...certificate, port });
  const socket = await runtime.connect({ hostname, port, signal });
  try {
    socket.setNoDelay();
    return await runtime.startTls(socket, options);
  } catch (error) {
    closeQuietly(socket);
    throw error;
  }
}
