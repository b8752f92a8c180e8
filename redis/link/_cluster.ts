/**
 * The topology of a Cluster: one connection to each master, and the map of which master has which
 * slot. The map is read again when a server replies that a slot has moved, and repeatedly while a
 * master is unreachable, until its replica has taken over or it is back.
 */

import type { Timer } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import { type Command, sendOnce } from "./_client.ts";
import { Connection } from "./_connection.ts";
import { meaningOf, redirection, unavailable } from "./_errors.ts";
import type { ServerReply, Topology, TopologyOptions } from "./_single_master.ts";
import { isWhole, type SlotMap, slotMapOf, slotOf } from "./_slots.ts";
import { type HostPort, nameOf } from "./address.ts";
import type { Reply } from "../link.ts";

/** A slot may move again while a command follows a redirection. */
const MAX_REDIRECTIONS = 5;
const READ_AGAIN_MS = 500;
const READ_MAP = ["CLUSTER", "SLOTS"] as const;

interface ClusterOptions extends TopologyOptions {
  /** Servers to read the first map from. */
  readonly seeds: readonly HostPort[];
}

/** A topology with several masters. */
export class ClusterTopology implements Topology {
  readonly #options: ClusterOptions;
  readonly #connections = new Map<string, Connection>();
  #map: SlotMap = { masters: new Map(), owners: [] };
  #reading: Promise<void> | undefined;
  #readAgain: Timer | undefined;
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
    return this.#connections.values().reduce((sum, { pending }) => sum + pending, 0);
  }

  async send(key: string, command: Command): Promise<Reply> {
    let connection = this.#connections.get(this.#ownerOf(key))!;
    let asking = false;
    for (let redirections = 0;; redirections++) {
      try {
        if (!asking) return await connection.send(command);
        // Both are written in the same turn, so no other command comes between them.
        const [, reply] = await Promise.all([
          connection.send(["ASKING"]),
          connection.send(command),
        ]);
        return reply;
      } catch (thrown) {
        const meaning = meaningOf(thrown);
        if (meaning === "not_master" || meaning === "moved") void this.#read();
        asking = meaning === "ask";
        if (redirections >= MAX_REDIRECTIONS || (meaning !== "moved" && !asking)) throw thrown;
        const { host, port } = redirection((thrown as Error).message)!;
        connection = this.#connectionTo({ host: host || connection.server.host, port });
        if (!connection.isUp) await connection.attempted();
      }
    }
  }

  async sendToAll(command: Command): Promise<readonly ServerReply[]> {
    const names = [...this.#map.masters.keys()];
    return await Promise.all(names.map(async (server) => {
      return { server, reply: await this.#connections.get(server)!.send(command) };
    }));
  }

  connect(key: string): Connection {
    const { onChange: _, seeds: _seeds, ...options } = this.#options;
    let isFirst = true;
    const find = async () => {
      // The last attempt may have failed because the slot has moved.
      if (!isFirst || this.#map.masters.size === 0) await this.#read();
      isFirst = false;
      return this.#map.masters.get(this.#ownerOf(key))!;
    };
    return new Connection({ ...options, find });
  }

  close(): void {
    this.#closed = true;
    this.#readAgain?.cancel();
    for (const connection of this.#connections.values()) connection.close();
  }

  #ownerOf(key: string): string {
    const slot = slotOf(key);
    const owner = this.#map.owners[slot];
    if (owner === undefined) throw unavailable(`the Cluster: nobody has slot ${slot}`);
    return owner;
  }

  #connectionTo(server: HostPort): Connection {
    const { onChange, seeds: _, ...options } = this.#options;
    return this.#connections.getOrInsertComputed(nameOf(server), () =>
      new Connection({
        ...options,
        find: () => Promise.resolve(server),
        onChange: (why) => {
          if (why !== undefined) void this.#read();
          onChange(why);
        },
      }));
  }

  /** Reads the map; concurrent calls share one read. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => this.#reading = undefined);
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    this.#readAgain?.cancel();
    let why: unknown;
    try {
      const map = await this.#readFromAny();
      if (!this.#closed) this.#use(map);
    } catch (thrown) {
      why = thrown;
    }
    if (this.#closed) return;
    if (!this.isUp) {
      const { clock, random } = this.#options;
      this.#readAgain = clock.after(READ_AGAIN_MS * (0.5 + random()), () => void this.#read());
    }
    this.#options.onChange(why);
  }

  /** Reads the map from a connected master, or else from any known server. */
  async #readFromAny(): Promise<SlotMap> {
    const { clock, random, access, timeoutMs, seeds } = this.#options;
    const up = [...this.#connections.values()].filter((connection) => connection.isUp);
    // A server that is cut off from the others has an old map: the order varies.
    const first = Math.floor(random() * up.length);
    const known = [...this.#map.masters.values(), ...seeds];
    const sources = [
      ...[...up.slice(first), ...up.slice(0, first)].map((connection) => ({
        server: connection.server,
        read: () => connection.send(READ_MAP),
      })),
      ...new Map(known.map((server) => [nameOf(server), server])).values().map((server) => ({
        server,
        read: () => sendOnce(server, { ...access, clock, timeoutMs, command: READ_MAP }),
      })),
    ];
    const failures: string[] = [];
    for (const { server, read } of sources) {
      try {
        const map = slotMapOf(await read(), server);
        if (map.masters.size > 0) return map;
        failures.push(`${nameOf(server)}: it knows of no slots`);
      } catch (thrown) {
        failures.push(`${nameOf(server)}: ${messageOf(thrown, 100)}`);
      }
    }
    throw new Error(failures.join("; "));
  }

  #use(map: SlotMap): void {
    this.#map = map;
    for (const server of map.masters.values()) this.#connectionTo(server);
    for (const [name, connection] of this.#connections) {
      if (map.masters.has(name)) continue;
      this.#connections.delete(name);
      connection.close();
    }
  }
}
