/**
 * The routes of a Cluster: one connection to each master, and a map of which has which slot. The
 * map is read anew when a server says that a slot has moved, and again and again while one of the
 * masters cannot be reached, until its replica has taken over or it is back.
 */

import type { Timer } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { askOnce } from "./_client.ts";
import { type Command, Connection } from "./_connection.ts";
import { meaningOf, redirection, unavailable } from "./_errors.ts";
import type { Routes, RoutesOptions, ServerReply } from "./_routes.ts";
import { isWhole, type SlotMap, slotMapOf, slotOf } from "./_slots.ts";
import { type HostPort, nameOf } from "./address.ts";
import type { Reply } from "../link.ts";

/** A slot may move on while a command follows it. */
const MAX_HOPS = 5;
const READ_AGAIN_MS = 500;

/** What a {@link ClusterRoutes} is made of. */
export interface ClusterOptions extends RoutesOptions {
  /** Servers that know of the others. */
  readonly seeds: readonly HostPort[];
}

/** A connection per master. */
export class ClusterRoutes implements Routes {
  readonly #options: ClusterOptions;
  readonly #connections = new Map<string, Connection>();
  #map: SlotMap = { masters: new Map(), owners: [] };
  #reading: Promise<void> | undefined;
  #again: Timer | undefined;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.#options = options;
    void this.#read();
  }

  get isUp(): boolean {
    return this.#map.masters.size > 0 && isWhole(this.#map) &&
      [...this.#map.masters.keys()].every((name) => this.#connections.get(name)?.isUp);
  }

  get pending(): number {
    let pending = 0;
    for (const connection of this.#connections.values()) pending += connection.pending;
    return pending;
  }

  async ask(key: string, command: Command): Promise<Reply> {
    let connection = this.#ownerOf(slotOf(key));
    let asking = false;
    for (let hop = 0;; hop++) {
      try {
        if (!asking) return await connection.send(command);
        // Both go out in the same turn, so nothing comes between them.
        const [, reply] = await Promise.all([
          connection.send(["ASKING"]),
          connection.send(command),
        ]);
        return reply;
      } catch (thrown) {
        const meaning = meaningOf(thrown);
        if (meaning === "elsewhere" || meaning === "moved") void this.#read();
        if (hop >= MAX_HOPS || (meaning !== "moved" && meaning !== "ask")) throw thrown;
        const { host, port } = redirection((thrown as Error).message)!;
        asking = meaning === "ask";
        connection = this.#connectionTo({ host: host || connection.at.host, port });
        if (!connection.isUp) await connection.settled();
      }
    }
  }

  async askEach(command: Command): Promise<readonly ServerReply[]> {
    const names = [...this.#map.masters.keys()];
    return await Promise.all(names.map(async (server) => {
      const reply = await this.#connections.get(server)!.send(command);
      return { server, reply };
    }));
  }

  open(key: string): Connection {
    const { onChange: _, seeds: _seeds, ...options } = this.#options;
    let asked = false;
    const find = async () => {
      // Whatever made the last attempt fail, the map may tell of it.
      if (asked || this.#map.masters.size === 0) await this.#read();
      asked = true;
      return this.#masterOf(slotOf(key));
    };
    return new Connection({ ...options, find });
  }

  close(): void {
    this.#closed = true;
    this.#again?.cancel();
    for (const connection of this.#connections.values()) connection.close();
  }

  #masterOf(slot: number): HostPort {
    const master = this.#map.masters.get(this.#map.owners[slot] ?? "");
    if (master === undefined) throw unavailable(`the Cluster: nobody has slot ${slot}`);
    return master;
  }

  #ownerOf(slot: number): Connection {
    return this.#connectionTo(this.#masterOf(slot));
  }

  #connectionTo(where: HostPort): Connection {
    const name = nameOf(where);
    const existing = this.#connections.get(name);
    if (existing !== undefined) return existing;
    const { onChange, seeds: _, ...options } = this.#options;
    const connection = new Connection({
      ...options,
      find: () => Promise.resolve(where),
      onChange: (isUp, why) => {
        if (!isUp) void this.#read();
        onChange(why);
      },
    });
    this.#connections.set(name, connection);
    return connection;
  }

  /** Reads the map; those who ask while it is being read get the same answer. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => this.#reading = undefined);
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    this.#again?.cancel();
    let why: unknown;
    try {
      const map = await this.#ask();
      if (this.#closed) return;
      this.#take(map);
    } catch (thrown) {
      why = thrown;
    }
    if (this.#closed) return;
    if (!this.isUp) {
      const { clock, random } = this.#options;
      this.#again = clock.after(READ_AGAIN_MS * (0.5 + random()), () => void this.#read());
    }
    this.#options.onChange(why);
  }

  /** The map as a server sees it that can be reached, else as a seed does. */
  async #ask(): Promise<SlotMap> {
    const { clock, random, access, timeoutMs, seeds } = this.#options;
    const failures: string[] = [];
    const up = [...this.#connections.values()].filter((connection) => connection.isUp);
    // Whoever was cut off from the others may have an old map: not always the same is asked first.
    const first = Math.floor(random() * up.length);
    for (const connection of [...up.slice(first), ...up.slice(0, first)]) {
      try {
        return slotMapOf(await connection.send(["CLUSTER", "SLOTS"]), connection.at);
      } catch (thrown) {
        failures.push(messageOf(thrown, 100));
      }
    }
    const known = [...this.#map.masters.values(), ...seeds];
    for (const where of new Map(known.map((where) => [nameOf(where), where])).values()) {
      try {
        const command = ["CLUSTER", "SLOTS"];
        const map = slotMapOf(
          await askOnce(where, { ...access, clock, timeoutMs, command }),
          where,
        );
        if (map.masters.size > 0) return map;
        failures.push(`${nameOf(where)}: it knows of no slots`);
      } catch (thrown) {
        failures.push(`${nameOf(where)}: ${messageOf(thrown, 100)}`);
      }
    }
    throw new Error(failures.join("; "));
  }

  #take(map: SlotMap): void {
    this.#map = map;
    for (const where of map.masters.values()) this.#connectionTo(where);
    for (const [name, connection] of this.#connections) {
      if (map.masters.has(name)) continue;
      this.#connections.delete(name);
      connection.close();
    }
  }
}
