/**
 * Who is connected: the open sockets of each user, found without allocating anything. Users have
 * a handful of sockets at most, so those of one user are a linked list through the connections.
 */

import type { LocalSocket, UserName } from "../core/events.ts";
import { UserMap } from "../core/user_map.ts";
import type { Recovery } from "./_recovery.ts";
import type { EngineSocket, HeartbeatListener } from "./_engine_socket.ts";

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
  readonly wantsAcknowledgement: boolean;
  readonly engine: EngineSocket;
}

/** One open socket of one user, or one that is being let in. */
export class SocketConnection implements ConnectionFields, LocalSocket, HeartbeatListener {
  readonly context: string;
  readonly user: string;
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  readonly sessionId: string;
  readonly expiresAt: number;
  readonly wantsAcknowledgement: boolean;
  readonly engine: EngineSocket;
  readonly open = true;
  /** Offset up to which it was told; negative until it is known. */
  cursor = -1;
  /** Offset up to which its client has certainly got everything. */
  acknowledged = -1;
  /** What the cursor was when the client was last sent something that it will answer. */
  #asked = -1;
  /** What it was when the answer to the client's last poll took all that there was. */
  #flushed = -1;
  /** Absent while it is told everything as it comes. */
  recovery: Recovery | undefined;
  /** The user's next connection. */
  next: SocketConnection | undefined;

  constructor(fields: ConnectionFields) {
    this.context = fields.context;
    this.user = fields.user;
    this.client = fields.client;
    this.id = fields.id;
    this.socketId = fields.socketId;
    this.sessionId = fields.sessionId;
    this.expiresAt = fields.expiresAt;
    this.wantsAcknowledgement = fields.wantsAcknowledgement;
    this.engine = fields.engine;
    this.recovery = undefined;
    this.next = undefined;
  }

  get heartbeatMs(): number {
    return this.engine.pingMs + this.engine.timeoutMs;
  }

  /** Says up to where the client is told as it comes in, and up to where it has everything. */
  begin(cursor: number, acknowledged: number): void {
    this.cursor = cursor;
    this.acknowledged = this.#asked = this.#flushed = acknowledged;
  }

  get isWaiting(): boolean {
    return this.wantsAcknowledgement && this.cursor > this.acknowledged;
  }

  asked(): void {
    this.#asked = this.cursor;
  }

  answered(): void {
    this.acknowledged = Math.max(this.acknowledged, this.#asked);
  }

  flushed(): void {
    this.#flushed = this.cursor;
  }

  polled(): void {
    this.acknowledged = Math.max(this.acknowledged, this.#flushed);
  }
}

const NONE: readonly SocketConnection[] = [];

/** Every open socket of this process. */
export class SocketConnections {
  readonly #users = new UserMap<SocketConnection>();
  readonly #open = new Map<string, number>();

  /** Open sockets by client. */
  get open(): ReadonlyMap<string, number> {
    return this.#open;
  }

  add(connection: SocketConnection): void {
    connection.next = this.#users.get(connection);
    this.#users.set(connection, connection);
    this.#count(connection.client, 1);
  }

  /** Idempotent; false where the connection was not there. */
  remove(connection: SocketConnection): boolean {
    let previous: SocketConnection | undefined;
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
  first(user: UserName): SocketConnection | undefined {
    return this.#users.get(user);
  }

  /** A user's connections, newest first. */
  of(user: UserName): readonly SocketConnection[] {
    const first = this.first(user);
    if (!first) return NONE;
    const all = [first];
    for (let at = first.next; at; at = at.next) all.push(at);
    return all;
  }

  /** Every connection. Connections may be removed on the way. */
  *[Symbol.iterator](): Generator<SocketConnection> {
    for (const first of this.#users.values()) {
      for (let at: SocketConnection | undefined = first; at;) {
        const { next }: SocketConnection = at;
        yield at;
        at = next;
      }
    }
  }

  #count(client: string, by: number): void {
    this.#open.set(client, (this.#open.get(client) ?? 0) + by);
  }
}
