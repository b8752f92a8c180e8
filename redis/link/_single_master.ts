/** The topology with one master: a given server, or the master that Sentinels report. */

import { messageOf } from "../../core/errors.ts";
import { type Client, type Command, sendOn, sendOnce } from "./_client.ts";
import { Connection, type ConnectionOptions } from "./_connection.ts";
import { meaningOf } from "./_errors.ts";
import { type HostPort, nameOf, type RedisAddress } from "./address.ts";
import type { Reply } from "../link.ts";

/** The connections to all masters. Commands reject with `store_unavailable` or an error reply. */
export interface Topology {
  /** Whether every master is connected. */
  readonly isUp: boolean;
  /** The number of commands without a reply. */
  readonly pending: number;
  /** Sends a command to the master that has the key. */
  send(key: string, command: Command): Promise<Reply>;
  /** Sends a command to every master. */
  sendToAll(command: Command): Promise<readonly ServerReply[]>;
  /** Opens another connection to the master that has the key. */
  connect(key: string): Connection;
  close(): void;
}

/** The reply of one server. */
export interface ServerReply {
  /** `host:port` */
  readonly server: string;
  readonly reply: Reply;
}

/** Options of a {@link Topology}. */
export interface TopologyOptions extends Omit<ConnectionOptions, "find" | "check" | "onChange"> {
  /** Called when `isUp` may have changed, and after each failed attempt to connect. */
  readonly onChange: (why?: unknown) => void;
}

/** A topology with one master. */
export class SingleMaster implements Topology {
  readonly #options: Omit<ConnectionOptions, "onChange">;
  readonly #connection: Connection;

  constructor(
    { onChange, ...options }: TopologyOptions & Pick<ConnectionOptions, "find" | "check">,
  ) {
    this.#options = options;
    this.#connection = new Connection({ ...options, onChange });
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  get pending(): number {
    return this.#connection.pending;
  }

  async send(_key: string, command: Command): Promise<Reply> {
    try {
      return await this.#connection.send(command);
    } catch (thrown) {
      if (meaningOf(thrown) === "not_master") this.#connection.reconnect(thrown);
      throw thrown;
    }
  }

  async sendToAll(command: Command): Promise<readonly ServerReply[]> {
    const reply = await this.#connection.send(command);
    return [{ server: nameOf(this.#connection.server), reply }];
  }

  connect(): Connection {
    return new Connection(this.#options);
  }

  close(): void {
    this.#connection.close();
  }
}

/** The topology of an address with Sentinels. */
export function sentinelTopology(address: RedisAddress, options: TopologyOptions): SingleMaster {
  const { clock, access, timeoutMs } = options;
  const command = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", address.masterName];
  const login = { ...access, credentials: address.sentinelCredentials, database: 0 };
  /** The one that replied last comes first. */
  let sentinels = address.hosts;

  async function find(): Promise<HostPort> {
    const failures: string[] = [];
    for (const sentinel of sentinels) {
      try {
        const reply = await sendOnce(sentinel, { ...login, clock, timeoutMs, command });
        if (!Array.isArray(reply)) throw new Error("it knows no master of this name");
        sentinels = [sentinel, ...sentinels.filter((other) => other !== sentinel)];
        return { host: String(reply[0]), port: Number(reply[1]) };
      } catch (thrown) {
        failures.push(`${nameOf(sentinel)}: ${messageOf(thrown, 100)}`);
      }
    }
    throw new Error(`no Sentinel names the master: ${failures.join("; ")}`);
  }

  return new SingleMaster({ ...options, find, check: checkIsMaster });
}

/** Rejects replicas: for a while after a failover, a Sentinel may report the old master. */
async function checkIsMaster(client: Client): Promise<void> {
  const role = await sendOn(client, ["ROLE"]);
  if (!Array.isArray(role) || role[0] !== "master") throw new Error("it is not the master");
}
