/** The link, whatever the routes: scripts, the time, errors, and the word that it is up again. */

import type { Clock, Timer } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { type Log, silentLog } from "../../core/log.ts";
import type { Command, Connection } from "./_connection.ts";
import { errorOf, meaningOf, unavailable } from "./_errors.ts";
import type { Routes, ServerReply } from "./_routes.ts";
import { runScript } from "./_scripts.ts";
import { better, measure, type TimeSample } from "./_server_time.ts";
import type { BlockingLink, RedisLink, Reply, Script } from "../link.ts";
import { NODES_KEY } from "../keys.ts";

/** What a {@link Link} is made of. */
export interface LinkOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly log?: Log;
  /** Makes the routes; to be told of each change in what can be reached. */
  readonly routes: (onChange: (why?: unknown) => void) => Routes;
}

const MEASURE_EVERY_MS = 60_000;
/** All nodes ask the same server for the time, also in a Cluster. */
const TIME_KEY = NODES_KEY;

/** A link on some routes, which it owns. */
export class Link implements RedisLink {
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #log: Log;
  readonly #routes: Routes;
  readonly #listeners: (() => void)[] = [];
  readonly #blocking = new Set<Blocking>();
  #time: TimeSample | undefined;
  #timer: Timer | undefined;
  #isUp = false;
  #closed = false;
  #why: unknown;

  constructor({ clock, log = silentLog, routes }: LinkOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#routes = routes((why) => this.#changed(why));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get pending(): number {
    return this.#routes.pending;
  }

  /** Why it is not up. */
  get why(): unknown {
    return this.#why;
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<Reply> {
    const send = (command: Command) => this.#routes.ask(keys[0] ?? "", command);
    try {
      return await runScript(script, { keys, args, send });
    } catch (thrown) {
      throw errorOf(thrown, script.name);
    }
  }

  async send(key: string, command: Command): Promise<Reply> {
    try {
      return await this.#routes.ask(key, command);
    } catch (thrown) {
      throw errorOf(thrown, command[0]);
    }
  }

  /** Sends a command to every server that holds keys; rejects where one of them cannot answer. */
  async each(command: Command): Promise<readonly ServerReply[]> {
    try {
      return await this.#routes.askEach(command);
    } catch (thrown) {
      throw errorOf(thrown, command[0]);
    }
  }

  dedicated(key: string): BlockingLink {
    const link = new Blocking(this.#routes.open(key), () => this.#blocking.delete(link));
    this.#blocking.add(link);
    return link;
  }

  onUp(listener: () => void): void {
    this.#listeners.push(listener);
  }

  now(): number {
    if (this.#time === undefined) throw unavailable("all: it was not reached since the start");
    return Math.floor(this.#clock.monotonic() + this.#time.offsetMs);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#isUp = false;
    this.#timer?.cancel();
    for (const link of [...this.#blocking]) link.close();
    this.#routes.close();
    return Promise.resolve();
  }

  #changed(why: unknown): void {
    if (this.#closed) return;
    if (this.#routes.isUp) {
      if (!this.#isUp) void this.#cameUp();
      return;
    }
    this.#why = why;
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#timer?.cancel();
    this.#log.warn("Redis cannot be reached", { why: messageOf(why, 200) });
  }

  async #cameUp(): Promise<void> {
    // Between a break and now the clock of another server may have become the one to go by.
    if (!await this.#measure() || this.#isUp || this.#closed || !this.#routes.isUp) return;
    this.#isUp = true;
    this.#log.info("Redis answers");
    for (const listener of this.#listeners) {
      try {
        listener();
      } catch (thrown) {
        this.#log.error("A listener to the link failed", { why: messageOf(thrown, 200) });
      }
    }
  }

  /** Looks at the server's clock, now and from then on. */
  async #measure(): Promise<boolean> {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(MEASURE_EVERY_MS, () => void this.#measure());
    try {
      const sample = await measure(this.#clock, () => this.#routes.ask(TIME_KEY, ["TIME"]));
      this.#time = better(this.#time, sample);
      return true;
    } catch (thrown) {
      this.#why = thrown;
      return false;
    }
  }
}

/** A connection for commands that block. */
class Blocking implements BlockingLink {
  readonly #connection: Connection;
  readonly #onClose: () => void;

  constructor(connection: Connection, onClose: () => void) {
    this.#connection = connection;
    this.#onClose = onClose;
  }

  async send(command: Command, { waitMs }: { readonly waitMs: number }): Promise<Reply> {
    if (!this.#connection.isUp) await this.#connection.settled();
    try {
      return await this.#connection.send(command, waitMs);
    } catch (thrown) {
      const meaning = meaningOf(thrown);
      // What it waits for is at another server by now, or at none for a while.
      if (meaning !== "other" && meaning !== "unknown_script") this.#connection.renew(thrown);
      throw errorOf(thrown, command[0]);
    }
  }

  close(): void {
    this.#connection.close();
    this.#onClose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }
}
