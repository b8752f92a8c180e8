/**
 * Delivers events to connections. It encodes an event once for each protocol among a user's
 * connections. A connection skips events that it has received before, and reads the log where an
 * event between is missing or where its peer is too slow. A session that has expired receives
 * nothing.
 */

import type { LoggedEvent, UserEvent } from "../core/events.ts";
import type { Backlog } from "./_backlog.ts";
import { EventFrames, frameOf, RESYNC, SESSION_INVALID } from "./_frames.ts";
import { type RecoveryOptions, RecoveryReader } from "./_recovery_reader.ts";
import type { SocketConnection, SocketConnections } from "./_socket_connections.ts";

interface SocketFanoutOptions extends Omit<RecoveryOptions, "send" | "sendResync" | "measure"> {
  readonly connections: SocketConnections;
  readonly backlog: Backlog;
  /** The session of a socket expired before an event was sent. */
  readonly onExpired: (connection: SocketConnection) => void;
  readonly onGap: (connection: SocketConnection) => void;
  readonly onResync: (connection: SocketConnection) => void;
  /** An event that asks for an acknowledgement is about to be sent. */
  readonly onAskingEvent: (event: LoggedEvent) => void;
  /** A socket received an event from the log that was kept for its client. */
  readonly onRecovered: (connection: SocketConnection, event: LoggedEvent) => void;
}

/** Delivers events to the sockets of this process. */
export class SocketFanout {
  /** Number of event frames sent to sockets. */
  delivered = 0;
  readonly #options: SocketFanoutOptions;
  readonly #reader: RecoveryReader;

  constructor(options: SocketFanoutOptions) {
    this.#options = options;
    this.#reader = new RecoveryReader({
      ...options,
      send: (connection, event) => this.#send(connection, event),
      sendResync: (connection) => this.#sendResync(connection),
      measure: () => void options.backlog.measure(),
    });
  }

  /** Delivers an event to those of the user's sockets that have not received it. */
  deliver(event: LoggedEvent): void {
    const { connections, clock, onGap, onExpired } = this.#options;
    if (event.ack) this.#options.onAskingEvent(event);
    let frames: EventFrames | undefined;
    const now = clock.now();
    let at = connections.first(event);
    while (at) {
      const connection = at;
      at = connection.next;
      const { recovery, port } = connection;
      if (connection.expiresAt <= now) onExpired(connection);
      else if (recovery) recovery.newest = Math.max(recovery.newest, event.offset);
      else if (event.offset <= connection.cursor) continue;
      else if (event.previous > connection.cursor) {
        onGap(connection);
        this.#reader.recover(connection, event.offset);
      } else if (isMeantFor(connection, event)) {
        const frame = (frames ??= new EventFrames(event)).of(port.protocol);
        if (!this.#sendFrame(connection, frame, event)) {
          this.#reader.waitForPeer(connection, event.offset);
        }
      } else connection.cursor = event.offset;
    }
  }

  /** Starts delivery to a socket that has been admitted. */
  begin(connection: SocketConnection): void {
    this.#reader.begin(connection);
  }

  /** Makes a socket read the log. */
  recover(connection: SocketConnection): void {
    this.#reader.recover(connection);
  }

  /** Sends `session:invalid`: the session of a socket has ended. */
  sendSessionInvalid({ port, cursor }: SocketConnection): void {
    const offset = Math.max(0, cursor);
    port.sendText(frameOf({ args: SESSION_INVALID, offset }, port.protocol));
  }

  close(): void {
    this.#reader.close();
  }

  /** Sends an event from the log; false where the peer has no room for it yet. */
  #send(connection: SocketConnection, event: LoggedEvent): boolean {
    if (event.offset <= connection.cursor) return true;
    const { clock, onExpired, onRecovered } = this.#options;
    if (connection.expiresAt <= clock.now()) {
      onExpired(connection);
      return false;
    }
    if (isMeantFor(connection, event)) {
      if (event.ack) this.#options.onAskingEvent(event);
      const frame = frameOf(event, connection.port.protocol);
      if (!this.#sendFrame(connection, frame, event)) return false;
      if (event.kept?.includes(connection.client)) onRecovered(connection, event);
    } else connection.cursor = event.offset;
    return true;
  }

  #sendResync(connection: SocketConnection): void {
    this.#options.onResync(connection);
    const { port, cursor } = connection;
    const frame = frameOf({ args: RESYNC, offset: cursor }, port.protocol);
    if (this.#options.backlog.admit(port, frame.length)) port.sendText(frame);
  }

  /** False where the peer must take something first. */
  #sendFrame(connection: SocketConnection, frame: string, { offset }: LoggedEvent): boolean {
    const { port, wantsAcknowledgement } = connection;
    if (!this.#options.backlog.offer(port, frame.length)) return false;
    // Before the send: a heartbeat that goes out with the frame acknowledges up to here.
    connection.cursor = offset;
    port.sendText(frame);
    if (wantsAcknowledgement) port.pingSoon();
    this.delivered++;
    return true;
  }
}

/** Whether a socket receives an event. */
function isMeantFor(
  { client, id, socketId }: SocketConnection,
  { clients, except }: UserEvent,
): boolean {
  if (!clients.includes(client)) return false;
  return except === undefined || (except !== id && except !== socketId);
}
