/**
 * The port to Redis or Valkey: a single server, a master behind Sentinels, or a Cluster. The rest of
 * this folder uses only this port. A command is sent once. When the connection breaks, the result of
 * a pending command is unknown, so callers send only commands that are safe to repeat.
 */

import { messageOf, ServiceError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";

/** A Lua script; it is sent by its hash if the server has it already. */
export interface Script {
  /** Name for errors and metrics. */
  readonly name: string;
  readonly lua: string;
}

/** A reply: simple and bulk strings are texts, integers are numbers, nil is null. */
export type Reply = string | number | null | readonly Reply[];

/** Returns the parts of a reply that should be a list; none where it is not. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

/**
 * The port. Every method rejects with `ServiceError` `store_unavailable` (with `retryAfterSeconds`)
 * if the server cannot be reached, does not reply in time, or refuses commands for the moment (`OOM`,
 * `LOADING`, `READONLY`, `CLUSTERDOWN`, `MISCONF` and others); it rejects immediately while the
 * connection is down. Any other error reply is a bug and rejects with an `Error`.
 */
export interface RedisLink extends AsyncDisposable {
  /** Runs a script. All keys must have the same hash slot. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>;
  /** Sends a command to the server that has `key`. */
  send(key: string, command: readonly (string | number)[]): Promise<Reply>;
  /** Opens a separate connection for blocking commands, to the server that has `key`. */
  dedicated(key: string): BlockingLink;
  /**
   * Whether every server replies. While one master of a Cluster is down, commands to the others
   * still work.
   */
  readonly isUp: boolean;
  /** Registers a listener that is called each time `isUp` becomes true. */
  onUp(listener: () => void): void;
  /**
   * Returns the epoch milliseconds of the servers, so that nodes with different clocks agree on due
   * times and leases.
   */
  now(): number;
  /** The number of commands without a reply. Commands beyond a limit are rejected. */
  readonly pending: number;
}

/** A connection for blocking commands. It reconnects after a failure. */
export interface BlockingLink extends AsyncDisposable {
  /**
   * Sends a command that may block at the server for `waitMs`. While the connection is down, this
   * waits for the next attempt to connect, so a caller that retries in a loop is slowed down.
   */
  send(
    command: readonly (string | number)[],
    options: { readonly waitMs: number },
  ): Promise<Reply>;
}

/** Logs why something failed, except for an outage of Redis, which the link logs itself. */
export function logUnlessOutage(
  thrown: unknown,
  { log, message }: { readonly log: Pick<Log, "error">; readonly message: string },
): void {
  if (!(thrown instanceof ServiceError)) log.error(message, { reason: messageOf(thrown) });
}
