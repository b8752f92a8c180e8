/**
 * Tells sockets. An event is encoded once for each revision of the protocol that is among a user's
 * sockets, and each socket is told what follows what it was told before: what it has had already is
 * skipped, and where something in between is missing it looks into the log. So does one whose peer
 * has not taken enough of what it was sent, as soon as it has. Nothing is told to a session that has
 * ended.
 */

import type { LoggedEvent } from "../core/events.ts";
import type { Backlog } from "./_backlog.ts";
import { type CatchUpOptions, CatchUps } from "./_catch_ups.ts";
import type { Connection, Connections } from "./_connections.ts";
import { frameOf, isMeantFor } from "./_frames.ts";

/** What a teller is made of. */
export interface TellerOptions extends Omit<CatchUpOptions, "send" | "sendResync" | "measure"> {
  readonly connections: Connections;
  readonly backlog: Backlog;
  /** Its session has ended before it was told something. */
  readonly onExpired: (connection: Connection) => void;
  readonly onGap: (connection: Connection) => void;
  readonly onResync: (connection: Connection) => void;
  /** Told an event from the log that had been kept for its client. */
  readonly onCaughtUp: (connection: Connection, event: LoggedEvent) => void;
}

const RESYNC = '"resync"';
const SESSION_INVALID = '"session:invalid"';

/** See the file's comment. */
export class Teller {
  /** How often a socket was told an event. */
  told = 0;
  readonly #options: TellerOptions;
  readonly #catchUps: CatchUps;

  constructor(options: TellerOptions) {
    this.#options = options;
    this.#catchUps = new CatchUps({
      ...options,
      send: (connection, event) => this.#send(connection, event),
      sendResync: (connection) => this.#sendResync(connection),
      measure: () => void options.backlog.measure(),
    });
  }

  /** See `LocalSockets.tell`. */
  tell(event: LoggedEvent): void {
    const { connections, clock, onGap, onExpired } = this.#options;
    let older: string | undefined, newer: string | undefined;
    const now = clock.now();
    let at = connections.first(event);
    while (at) {
      const connection = at;
      at = connection.next;
      const { behind, engine } = connection;
      if (connection.expiresAt <= now) onExpired(connection);
      else if (behind) behind.newest = Math.max(behind.newest, event.offset);
      else if (event.offset <= connection.cursor) continue;
      else if (event.previous > connection.cursor) {
        onGap(connection);
        this.#catchUps.look(connection, event.offset);
      } else if (isMeantFor(connection, event)) {
        const frame = engine.protocol === 3
          ? older ??= frameOf(event, 3)
          : newer ??= frameOf(event, 4);
        if (!this.#hand(connection, frame, event)) this.#catchUps.wait(connection, event.offset);
      } else connection.cursor = event.offset;
    }
  }

  /** A socket that has been let in: from now on it is told. */
  begin(connection: Connection): void {
    this.#catchUps.go(connection);
  }

  /** Has a socket look into the log. */
  look(connection: Connection): void {
    this.#catchUps.look(connection);
  }

  /** Tells a socket that its session has ended. */
  tellInvalid({ engine, cursor }: Connection): void {
    const offset = Math.max(0, cursor);
    engine.sendText(frameOf({ args: SESSION_INVALID, offset }, engine.protocol));
  }

  close(): void {
    this.#catchUps.close();
  }

  /** False where there is no room for it yet. */
  #send(connection: Connection, event: LoggedEvent): boolean {
    if (event.offset <= connection.cursor) return true;
    const { clock, onExpired, onCaughtUp } = this.#options;
    if (connection.expiresAt <= clock.now()) {
      onExpired(connection);
      return false;
    }
    if (isMeantFor(connection, event)) {
      const frame = frameOf(event, connection.engine.protocol);
      if (!this.#hand(connection, frame, event)) return false;
      if (event.kept?.includes(connection.client)) onCaughtUp(connection, event);
    } else connection.cursor = event.offset;
    return true;
  }

  #sendResync(connection: Connection): void {
    this.#options.onResync(connection);
    const { engine, cursor } = connection;
    const frame = frameOf({ args: RESYNC, offset: cursor }, engine.protocol);
    if (this.#options.backlog.admit(engine, frame.length)) engine.sendText(frame);
  }

  /** False where its peer has to take something first. */
  #hand(connection: Connection, frame: string, { offset }: LoggedEvent): boolean {
    const { engine, needsProof } = connection;
    if (!this.#options.backlog.offer(engine, frame.length)) return false;
    // Before it is sent: what goes out with it is told up to here.
    connection.cursor = offset;
    engine.sendText(frame);
    if (needsProof) engine.askSoon();
    this.told++;
    return true;
  }
}
