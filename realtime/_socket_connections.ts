/**
 * The index of open sockets by user, which is read without allocating. Users have a handful of
 * sockets at most, so the connections of one user are a linked list.
 */

import type { LocalSocket, UserName } from "../core/events.ts";
import { UserMap } from "../core/user_map.ts";
import type { ConnectionPort } from "./_connection_port.ts";
import type { HeartbeatListener } from "./_engine_socket.ts";
import type { Recovery } from "./_recovery_state.ts";

/** What the server knows of a socket once it has checked the session. */
type ConnectionFields =
  & UserName
  & Pick<SocketConnection, "client" | "id" | "socketId" | "sessionId" | "expiresAt">
  & Pick<SocketConnection, "wantsAcknowledgement" | "port">;

/** One open socket of one user, or one that is being admitted. */
export class SocketConnection implements LocalSocket, HeartbeatListener {
  readonly context: string;
  readonly user: string;
  readonly client: string;
  /** The name that the client gives its connection; the source of a notification is left out by it. */
  readonly id: string;
  /** The Socket.IO id, which newer clients use as their name. */
  readonly socketId: string;
  readonly sessionId: string;
  /** Epoch milliseconds, or Infinity. */
  readonly expiresAt: number;
  /**
   * Whether the client reconnects under a name but without an offset. It then receives again
   * everything that it has not acknowledged.
   */
  readonly wantsAcknowledgement: boolean;
  readonly port: ConnectionPort;
  readonly open = true;
  /** Offset up to which the client says, as it resumes, that it has received everything. */
  received: number | undefined;
  /** Offset up to which events were sent; negative until the hub has answered `join`. */
  cursor = -1;
  /** Offset up to which the client has received everything for certain. */
  acknowledged = -1;
  /** The cursor when the last packet was sent that the client answers. */
  #cursorAtRequest = -1;
  /** The cursor when the last poll was answered with everything that waited. */
  #cursorAtPoll = -1;
  /** Present while the socket receives events from the log; absent while it gets them as they come. */
  recovery: Recovery | undefined;
  /** The next connection in the user's list. */
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
    this.port = fields.port;
    this.received = undefined;
    this.recovery = undefined;
    this.next = undefined;
  }

  get heartbeatMs(): number {
    return this.port.pingMs + this.port.timeoutMs;
  }

  /** Sets the offset after which events are sent, and the one up to which the client has all. */
  startAt(cursor: number, acknowledged: number): void {
    this.cursor = cursor;
    this.acknowledged = this.#cursorAtRequest = this.#cursorAtPoll = acknowledged;
  }

  get needsAck(): boolean {
    return this.wantsAcknowledgement && this.cursor > this.acknowledged;
  }

  ackRequested(): void {
    this.#cursorAtRequest = this.cursor;
  }

  ackReceived(): void {
    this.acknowledged = Math.max(this.acknowledged, this.#cursorAtRequest);
  }

  pollAnswered(): void {
    this.#cursorAtPoll = this.cursor;
  }

  pollReceived(): void {
    this.acknowledged = Math.max(this.acknowledged, this.#cursorAtPoll);
  }
}

const NONE: readonly SocketConnection[] = [];

/** Every open socket of this process. */
export class SocketConnections {
  readonly #users = new UserMap<SocketConnection>();
  readonly #open = new Map<string, number>();

  /** Number of open sockets by client. */
  get open(): ReadonlyMap<string, number> {
    return this.#open;
  }

  add(connection: SocketConnection): void {
    connection.next = this.#users.get(connection);
    this.#users.set(connection, connection);
    this.#count(connection.client, 1);
  }

  /** Removes a connection; false where it is not in the index. */
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

  /** Returns a user's newest connection; `next` leads to the others. */
  first(user: UserName): SocketConnection | undefined {
    return this.#users.get(user);
  }

  /** Returns a user's connections, newest first. */
  of(user: UserName): readonly SocketConnection[] {
    const first = this.first(user);
    if (!first) return NONE;
    const all = [first];
    for (let at = first.next; at; at = at.next) all.push(at);
    return all;
  }

  /** All connections. The caller may remove connections while it iterates. */
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
