/** The port on any topology: scripts, the time of the servers, errors, and the listeners. */

import { hash } from "node:crypto";
import type { Clock, Timer } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Log } from "../../core/log.ts";
import type { Command } from "./_client.ts";
import type { Connection } from "./_connection.ts";
import { errorOf, meaningOf, unavailable } from "./_errors.ts";
import { better, measure, type TimeSample } from "./_server_time.ts";
import type { ServerReply, Topology } from "./_single_master.ts";
import type { BlockingLink, RedisLink, Reply, Script } from "../link.ts";
import { NODES_KEY } from "../keys.ts";

interface LinkOptions {
  readonly clock: Pick<Clock, "monotonic" | "after">;
  readonly log: Log;
  /** Makes the topology, which calls `onChange` when its `isUp` may have changed. */
  readonly topology: (onChange: (why?: unknown) => void) => Topology;
}

const MEASURE_EVERY_MS = 60_000;
/** All nodes take the time from the same server, also in a Cluster. */
const TIME_KEY = NODES_KEY;

/** A link on a topology, which it closes. */
export class Link implements RedisLink {
  readonly #clock: Pick<Clock, "monotonic" | "after">;
  readonly #log: Log;
  readonly #topology: Topology;
  readonly #listeners: (() => void)[] = [];
  readonly #blocking = new Set<Blocking>();
  #time: TimeSample | undefined;
  #timer: Timer | undefined;
  #isUp = false;
  #closed = false;
  #why: unknown;

  constructor({ clock, log, topology }: LinkOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#topology = topology((why) => this.#changed(why));
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get pending(): number {
    return this.#topology.pending;
  }

  /** The latest reason for not being up. */
  get why(): unknown {
    return this.#why;
  }

  async run(
    script: Script,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<Reply> {
    const send = (name: "EVALSHA" | "EVAL", text: string) =>
      this.#topology.send(keys[0] ?? "", [name, text, keys.length, ...keys, ...args]);
    try {
      try {
        return await send("EVALSHA", hashOf(script));
      } catch (thrown) {
        if (meaningOf(thrown) !== "unknown_script") throw thrown;
        return await send("EVAL", script.lua);
      }
    } catch (thrown) {
      throw errorOf(thrown, script.name);
    }
  }

  send(key: string, command: Command): Promise<Reply> {
    return this.#topology.send(key, command).catch((thrown) => {
      throw errorOf(thrown, command[0]);
    });
  }

  /** Sends a command to every master; rejects if one of them does not reply. */
  each(command: Command): Promise<readonly ServerReply[]> {
    return this.#topology.sendToAll(command).catch((thrown) => {
      throw errorOf(thrown, command[0]);
    });
  }

  dedicated(key: string): BlockingLink {
    const link = new Blocking(this.#topology.connect(key), () => this.#blocking.delete(link));
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
    this.#topology.close();
    return Promise.resolve();
  }

  #changed(why: unknown): void {
    if (this.#closed) return;
    if (this.#topology.isUp) {
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
    // After a failover the time comes from another server.
    if (!await this.#measure() || this.#isUp || this.#closed || !this.#topology.isUp) return;
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

  /** Measures the server's clock, now and once a minute. */
  async #measure(): Promise<boolean> {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(MEASURE_EVERY_MS, () => void this.#measure());
    try {
      const sample = await measure(this.#clock, () => this.#topology.send(TIME_KEY, ["TIME"]));
      this.#time = better(this.#time, sample);
      return true;
    } catch (thrown) {
      this.#why = thrown;
      return false;
    }
  }
}

const hashes = new WeakMap<Script, string>();

/** Returns the SHA-1 of a script, for `EVALSHA`: a server receives its text only once. */
export function hashOf(script: Script): string {
  return hashes.getOrInsertComputed(script, ({ lua }) => hash("sha1", lua));
}

class Blocking implements BlockingLink {
  readonly #connection: Connection;
  readonly #onClose: () => void;

  constructor(connection: Connection, onClose: () => void) {
    this.#connection = connection;
    this.#onClose = onClose;
  }

  async send(command: Command, { waitMs }: { readonly waitMs: number }): Promise<Reply> {
    if (!this.#connection.isUp) await this.#connection.attempted();
    try {
      return await this.#connection.send(command, waitMs);
    } catch (thrown) {
      const meaning = meaningOf(thrown);
      // Another server has the key now, or no server can answer for a while.
      if (meaning !== "other" && meaning !== "unknown_script") this.#connection.reconnect(thrown);
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
