/**
 * The way to Redis or Valkey: one server, one behind Sentinel, or a Cluster. Everything in this
 * folder sees only this port. A command is sent once: what became of one that was under way when
 * the connection broke is not known, so whatever is sent must bear being sent again.
 */

/** A Lua script, sent by its hash where the server knows it already. */
export interface Script {
  /** For errors and metrics. */
  readonly name: string;
  readonly lua: string;
}

/** An answer: simple and bulk strings as text, integers as numbers, nil as null. */
export type Reply = string | number | null | readonly Reply[];

/**
 * The port. Every method rejects with `ServiceError` `store_unavailable` (with a time to come
 * back) where the server cannot be reached, does not answer in time, or cannot take writes for now
 * (`OOM`, `LOADING`, `READONLY`, `CLUSTERDOWN`, `MISCONF` and the like), and at once where the
 * connection is known to be down; any other error answer is a bug and rejects with an `Error`.
 */
export interface RedisLink extends AsyncDisposable {
  /** Runs a script. All keys must be of one hash slot. */
  run(script: Script, keys: readonly string[], args: readonly (string | number)[]): Promise<Reply>;
  /** Sends a command to where `key` is. */
  send(key: string, command: readonly (string | number)[]): Promise<Reply>;
  /** Opens a connection of its own for commands that block, to where `key` is. */
  dedicated(key: string): BlockingLink;
  /**
   * Whether commands are answered at the moment. In a Cluster: of every master; while one of them
   * is away, commands to the others are still answered.
   */
  readonly isUp: boolean;
  /** Calls back each time that commands are answered again after they were not. */
  onUp(listener: () => void): void;
  /**
   * Epoch milliseconds as the servers have it, so that nodes whose clocks differ agree on what is
   * due and whose lease has run out.
   */
  now(): number;
  /** Commands sent and not answered. Beyond a limit further ones are refused. */
  readonly pending: number;
}

/** A connection that may wait for its answers. It comes back by itself after a break. */
export interface BlockingLink extends AsyncDisposable {
  /**
   * Like {@link RedisLink.send}; waits for the answer as long as `waitMs` and what it took. Where
   * the connection is down it waits for the next attempt to connect, so whoever sends again after
   * each failure is slowed down by that alone.
   */
  send(
    command: readonly (string | number)[],
    options: { readonly waitMs: number },
  ): Promise<Reply>;
}
