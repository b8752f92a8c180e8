/**
 * The public and the internal HTTP listener. A start takes both ports before the buffer reads its
 * log, so that a start whose port is in use fails early. Until a handler is set, every answer is 503.
 */

import type { Settings } from "../cascade/mod.ts";
import { type Clock, systemClock, within } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** A listener on one port. */
export interface HttpListener extends AsyncDisposable {
  readonly address: Deno.NetAddr;
  /** Passes requests to `handler` from now on. */
  open(handler: Handler): void;
}

/**
 * Opens the internal listener; returns undefined where it is switched off.
 *
 * @throws {ServiceError} `invalid_configuration` where the port is not available
 */
export function listenInternal(
  { host, port }: Settings["internal"],
  log: Log,
): HttpListener | undefined {
  if (port === 0) return undefined;
  const portSetting = "io.carillon.internal.port";
  return listen({ ...{ host: host || "127.0.0.1", port, log }, portSetting });
}

/** Bounds the wait for requests whose peer is gone, which would keep the service from ending. */
const CLOSES_WITHIN_MS = 2_000;

/**
 * Opens a listener.
 *
 * @throws {ServiceError} `invalid_configuration` where the port is not available
 */
export function listen(
  { host, port, log, clock = systemClock, portSetting = "CARILLON_PORT" }: {
    readonly host: string;
    readonly port: number;
    readonly log: Log;
    /** Bounds closing. @default {systemClock} */
    readonly clock?: Clock;
    /** The setting that the error names if the port is in use. @default {"CARILLON_PORT"} */
    readonly portSetting?: string;
  },
): HttpListener {
  let handler: Handler = () => new Response(null, { status: 503, headers: { "retry-after": "1" } });
  const server = bind(
    {
      hostname: host,
      port,
      onListen: () => {},
      onError(thrown) {
        log.error("a request failed unexpectedly", { reason: messageOf(thrown) });
        return new Response(null, { status: 500 });
      },
    },
    (request, info) => handler(request, info),
    portSetting,
  );
  let closed: Promise<void> | undefined;
  return {
    address: server.addr,
    open: (given) => void (handler = given),
    [Symbol.asyncDispose]: () =>
      closed ??= within(server.shutdown(), { clock, ms: CLOSES_WITHIN_MS }),
  };
}

/** Formats an address as `host:port`. */
export function addressText({ hostname, port }: Deno.NetAddr): string {
  return `${hostname}:${port}`;
}

function bind(
  options: Deno.ServeTcpOptions & { readonly hostname: string; readonly port: number },
  handler: Handler,
  portSetting: string,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(options, handler);
  } catch (cause) {
    const { hostname, port } = options;
    const hint = cause instanceof Deno.errors.AddrInUse ? `; ${portSetting} sets another port` : "";
    throw new ServiceError(
      "invalid_configuration",
      `Cannot listen at ${hostname}:${port}: ${messageOf(cause, 200)}${hint}`,
      { cause },
    );
  }
}
