/** Which server a command goes to: what differs between one server, Sentinel and Cluster. */

import { type Command, Connection, type ConnectionOptions } from "./_connection.ts";
import type { Reply } from "./link.ts";

/** The ways to the servers. Errors are the servers' own, or `store_unavailable`. */
export interface Routes {
  /** Whether every server that holds keys can be reached. */
  readonly isUp: boolean;
  readonly pending: number;
  /** Sends a command to where the key is. */
  ask(key: string, command: Command): Promise<Reply>;
  /** Sends a command to every server that holds keys. */
  askEach(command: Command): Promise<readonly ServerReply[]>;
  /** A further connection to where the key is. */
  open(key: string): Connection;
  close(): void;
}

/** What one server answered. */
export interface ServerReply {
  /** `host:port` */
  readonly server: string;
  readonly reply: Reply;
}

/** What connections are made with, wherever they go. */
export type Common = Omit<ConnectionOptions, "find" | "check" | "onChange">;

/** Everything is at one server, whoever that is at the moment. */
export class OneRoute implements Routes {
  readonly #options: Omit<ConnectionOptions, "onChange">;
  readonly #connection: Connection;

  constructor(options: ConnectionOptions) {
    const { onChange: _, ...rest } = options;
    this.#options = rest;
    this.#connection = new Connection(options);
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  get pending(): number {
    return this.#connection.pending;
  }

  ask(_key: string, command: Command): Promise<Reply> {
    return this.#connection.send(command);
  }

  async askEach(command: Command): Promise<readonly ServerReply[]> {
    const reply = await this.#connection.send(command);
    return [{ server: this.#connection.where, reply }];
  }

  open(): Connection {
    return new Connection(this.#options);
  }

  close(): void {
    this.#connection.close();
  }
}
