/**
 * Tells sockets. An event is encoded once for each revision of the protocol that is among a user's
 * sockets, and each socket is told what follows what it was told before: what it has had already is
 * skipped, and where something in between is missing it looks into the log. So does one whose peer
 * has not taken enough of what it was sent, as soon as it has. Nothing is told to a session that has
 * ended.
 */

import type { LoggedEvent } from "../core/events.ts";
import type { Backlog } from "./_backlog.ts";
import { type RecoveryOptions, RecoveryReader } from "./_recovery.ts";
import type { SocketConnection, SocketConnections } from "./_socket_connections.ts";
import { frameOf, isMeantFor } from "./_frames.ts";

/** What a teller is made of. */
export interface SocketFanoutOptions
  extends Omit<RecoveryOptions, "send" | "sendResync" | "measure"> {
  readonly connections: SocketConnections;
  readonly backlog: Backlog;
  /** Its session has ended before it was told something. */
  readonly onExpired: (connection: SocketConnection) => void;
  readonly onGap: (connection: SocketConnection) => void;
  readonly onResync: (connection: SocketConnection) => void;
  /** Told an event from the log that had been kept for its client. */
  readonly onCaughtUp: (connection: SocketConnection, event: LoggedEvent) => void;
  /** An event that asks for an acknowledgement is about to be sent. */
  readonly onAsking: (event: LoggedEvent) => void;
}

const RESYNC = '"resync"';
const SESSION_INVALID = '"session:invalid"';

/** See the file's comment. */
export class SocketFanout {
  /** How often a socket was told an event. */
  delivered = 0;
  readonly #options: SocketFanoutOptions;
  readonly #catchUps: RecoveryReader;

  constructor(options: SocketFanoutOptions) {
    this.#options = options;
    this.#catchUps = new RecoveryReader({
      ...options,
      send: (connection, event) => this.#send(connection, event),
      sendResync: (connection) => this.#sendResync(connection),
      measure: () => void options.backlog.measure(),
    });
  }

  /** See `LocalSockets.tell`. */
  deliver(event: LoggedEvent): void {
    const { connections, clock, onGap, onExpired } = this.#options;
    if (event.ack) this.#options.onAsking(event);
    let older: string | undefined, newer: string | undefined;
    const now = clock.now();
    let at = connections.first(event);
    while (at) {
      const connection = at;
      at = connection.next;
      const { recovery, engine } = connection;
      if (connection.expiresAt <= now) onExpired(connection);
      else if (recovery) recovery.newest = Math.max(recovery.newest, event.offset);
      else if (event.offset <= connection.cursor) continue;
      else if (event.previous > connection.cursor) {
        onGap(connection);
        this.#catchUps.recover(connection, event.offset);
      } else if (isMeantFor(connection, event)) {
        const frame = engine.protocol === 3
          ? older ??= frameOf(event, 3)
          : newer ??= frameOf(event, 4);
        if (!this.#hand(connection, frame, event)) this.#catchUps.wait(connection, event.offset);
      } else connection.cursor = event.offset;
    }
  }

  /** A socket that has been let in: from now on it is told. */
  begin(connection: SocketConnection): void {
    this.#catchUps.go(connection);
  }

  /** Has a socket look into the log. */
  recover(connection: SocketConnection): void {
    this.#catchUps.recover(connection);
  }

  /** Tells a socket that its session has ended. */
  sendSessionInvalid({ engine, cursor }: SocketConnection): void {
    const offset = Math.max(0, cursor);
    engine.sendText(frameOf({ args: SESSION_INVALID, offset }, engine.protocol));
  }

  close(): void {
    this.#catchUps.close();
  }

  /** False where there is no room for it yet. */
  #send(connection: SocketConnection, event: LoggedEvent): boolean {
    if (event.offset <= connection.cursor) return true;
    const { clock, onExpired, onCaughtUp } = this.#options;
    if (connection.expiresAt <= clock.now()) {
      onExpired(connection);
      return false;
    }
    if (isMeantFor(connection, event)) {
      if (event.ack) this.#options.onAsking(event);
      const frame = frameOf(event, connection.engine.protocol);
      if (!this.#hand(connection, frame, event)) return false;
      if (event.kept?.includes(connection.client)) onCaughtUp(connection, event);
    } else connection.cursor = event.offset;
    return true;
  }

  #sendResync(connection: SocketConnection): void {
    this.#options.onResync(connection);
    const { engine, cursor } = connection;
    const frame = frameOf({ args: RESYNC, offset: cursor }, engine.protocol);
    if (this.#options.backlog.admit(engine, frame.length)) engine.sendText(frame);
  }

  /** False where its peer has to take something first. */
  #hand(connection: SocketConnection, frame: string, { offset }: LoggedEvent): boolean {
    const { engine, wantsAcknowledgement } = connection;
    if (!this.#options.backlog.offer(engine, frame.length)) return false;
    // Before it is sent: what goes out with it is told up to here.
    connection.cursor = offset;
    engine.sendText(frame);
    if (wantsAcknowledgement) engine.askSoon();
    this.delivered++;
    return true;
  }
}
