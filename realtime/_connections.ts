/**
 * Who is connected: the open sockets of each user, found without allocating anything. Users have
 * a handful of sockets at most, so those of one user are a linked list through the connections.
 */

import type { LocalSeat, UserName } from "../core/events.ts";
import { UserMap } from "../core/user_map.ts";
import type { Behind } from "./_catch_ups.ts";
import type { EngineSocket, Witness } from "./_engine_socket.ts";

/** What is known of a socket once its session has been checked. */
export interface ConnectionFields extends UserName {
  readonly client: string;
  /** What the client calls itself; excludes it as the source of a notification. */
  readonly id: string;
  /** The Socket.IO id, by which newer clients call themselves instead. */
  readonly socketId: string;
  readonly sessionId: string;
  /** Epoch milliseconds, or Infinity. */
  readonly expiresAt: number;
  /**
   * Its client comes back by a name, and does not say how far it got: then it is told again all that
   * it may not have got.
   */
  readonly needsProof: boolean;
  readonly engine: EngineSocket;
}

/** One open socket of one user, or one that is being let in. */
export class Connection implements ConnectionFields, LocalSeat, Witness {
  readonly context: string;
  readonly user: string;
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  readonly sessionId: string;
  readonly expiresAt: number;
  readonly needsProof: boolean;
  readonly engine: EngineSocket;
  readonly open = true;
  /** Offset up to which it was told; negative until it is known. */
  cursor = -1;
  /** Offset up to which its client has certainly got everything. */
  proven = -1;
  /** What the cursor was when the client was last sent something that it will answer. */
  #asked = -1;
  /** What it was when the answer to the client's last poll took all that there was. */
  #flushed = -1;
  /** Absent while it is told everything as it comes. */
  behind: Behind | undefined;
  /** The user's next connection. */
  next: Connection | undefined;

  constructor(fields: ConnectionFields) {
    this.context = fields.context;
    this.user = fields.user;
    this.client = fields.client;
    this.id = fields.id;
    this.socketId = fields.socketId;
    this.sessionId = fields.sessionId;
    this.expiresAt = fields.expiresAt;
    this.needsProof = fields.needsProof;
    this.engine = fields.engine;
    this.behind = undefined;
    this.next = undefined;
  }

  get beatMs(): number {
    return this.engine.pingMs + this.engine.timeoutMs;
  }

  /** Says up to where the client is told as it comes in, and up to where it has everything. */
  begin(cursor: number, proven: number): void {
    this.cursor = cursor;
    this.proven = this.#asked = this.#flushed = proven;
  }

  get isWaiting(): boolean {
    return this.needsProof && this.cursor > this.proven;
  }

  asked(): void {
    this.#asked = this.cursor;
  }

  answered(): void {
    this.proven = Math.max(this.proven, this.#asked);
  }

  flushed(): void {
    this.#flushed = this.cursor;
  }

  polled(): void {
    this.proven = Math.max(this.proven, this.#flushed);
  }
}

const NONE: readonly Connection[] = [];

/** Every open socket of this process. */
export class Connections {
  readonly #users = new UserMap<Connection>();
  readonly #open = new Map<string, number>();

  /** Open sockets by client. */
  get open(): ReadonlyMap<string, number> {
    return this.#open;
  }

  add(connection: Connection): void {
    connection.next = this.#users.get(connection);
    this.#users.set(connection, connection);
    this.#count(connection.client, 1);
  }

  /** Idempotent; false where the connection was not there. */
  remove(connection: Connection): boolean {
    let previous: Connection | undefined;
    for (let at = this.#users.get(connection); at; previous = at, at = at.next) {
      if (at !== connection) continue;
      if (previous) previous.next = at.next;
      else if (at.next) this.#users.set(connection, at.next);
      else this.#users.delete(connection);
      this.#count(connection.client, -1);
      return true;
    }
    return false;
  }

  /** A user's newest connection, with the others behind it. */
  first(user: UserName): Connection | undefined {
    return this.#users.get(user);
  }

  /** A user's connections, newest first. */
  of(user: UserName): readonly Connection[] {
    const first = this.first(user);
    if (!first) return NONE;
    const all = [first];
    for (let at = first.next; at; at = at.next) all.push(at);
    return all;
  }

  /** Every connection. Connections may be removed on the way. */
  *[Symbol.iterator](): Generator<Connection> {
    for (const first of this.#users.values()) {
      for (let at: Connection | undefined = first; at;) {
        const { next }: Connection = at;
        yield at;
        at = next;
      }
    }
  }

  #count(client: string, by: number): void {
    this.#open.set(client, (this.#open.get(client) ?? 0) + by);
  }
}
