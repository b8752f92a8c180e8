/** Which server a command goes to: what differs between one server, Sentinel and Cluster. */

import { type Command, Connection, type ConnectionOptions } from "./_connection.ts";
import { meaningOf } from "./_errors.ts";
import { nameOf } from "./address.ts";
import type { Reply } from "../link.ts";

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

/** What routes are made of: how to connect, wherever that is. */
export interface RoutesOptions extends Omit<ConnectionOptions, "find" | "check" | "onChange"> {
  /** Told when what can be reached may have changed; `why` where something cannot. */
  readonly onChange: (why?: unknown) => void;
}

/** Everything is at one server, whoever that is at the moment. */
export class OneRoute implements Routes {
  readonly #options: Omit<ConnectionOptions, "onChange">;
  readonly #connection: Connection;

  constructor(
    { onChange, ...options }: RoutesOptions & Pick<ConnectionOptions, "find" | "check">,
  ) {
    this.#options = options;
    this.#connection = new Connection({ ...options, onChange: (_, why) => onChange(why) });
  }

  get isUp(): boolean {
    return this.#connection.isUp;
  }

  get pending(): number {
    return this.#connection.pending;
  }

  async ask(_key: string, command: Command): Promise<Reply> {
    try {
      return await this.#connection.send(command);
    } catch (thrown) {
      // A master that was demoted: another is to be found.
      if (meaningOf(thrown) === "elsewhere") this.#connection.renew(thrown);
      throw thrown;
    }
  }

  async askEach(command: Command): Promise<readonly ServerReply[]> {
    const reply = await this.#connection.send(command);
    return [{ server: nameOf(this.#connection.at), reply }];
  }

  open(): Connection {
    return new Connection(this.#options);
  }

  close(): void {
    this.#connection.close();
  }
}
