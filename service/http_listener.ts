/**
 * The service's ports, the public and the internal one. A port is taken before anything of the data
 * file is touched, so that a start that has to fail for it fails first; until the service is ready,
 * every answer is 503.
 */

import type { Settings } from "../cascade/mod.ts";
import { type Clock, systemClock, within } from "../core/clock.ts";
import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

/** Answers requests. */
export type Handler = (
  request: Request,
  info: Deno.ServeHandlerInfo<Deno.NetAddr>,
) => Response | Promise<Response>;

/** A port that is listened at. */
export interface HttpListener extends AsyncDisposable {
  readonly address: Deno.NetAddr;
  /** Lets requests in from now on. */
  open(handler: Handler): void;
}

/**
 * Takes the port of the internal listener; `undefined` where there is to be none.
 *
 * @throws {ServiceError} `invalid_configuration` where the port cannot be had.
 */
export function listenInternal(
  { host, port }: Settings["internal"],
  log: Log,
): HttpListener | undefined {
  if (port === 0) return undefined;
  const portSetting = "io.carillon.internal.port";
  return listen({ ...{ host: host || "127.0.0.1", port, log }, portSetting });
}

/** A peer that went away in the middle of a request would keep the service from ending. */
const CLOSES_WITHIN_MS = 2_000;

/** @throws {ServiceError} `invalid_configuration` where the port cannot be had. */
export function listen(
  { host, port, log, clock = systemClock, portSetting = "CARILLON_PORT" }: {
    readonly host: string;
    readonly port: number;
    readonly log: Log;
    /** What closing is bounded by. @default {systemClock} */
    readonly clock?: Clock;
    /** What sets the port, for the message where it is taken. */
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
        log.error("a request broke", { reason: messageOf(thrown) });
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
