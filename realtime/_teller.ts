/**
 * Tells sockets. An event is encoded once for each revision of the protocol that is among a user's
 * sockets, and each socket is told what follows what it was told before: what it has had already is
 * skipped, and where something in between is missing it looks into the log.
 */

import type { LoggedEvent } from "../core/events.ts";
import type { Backlog } from "./_backlog.ts";
import { type CatchUpOptions, CatchUps } from "./_catch_ups.ts";
import type { Connection, Connections } from "./_connections.ts";
import { frameOf, isMeantFor } from "./_frames.ts";

/** What a teller is made of. */
export interface TellerOptions extends Omit<CatchUpOptions, "send" | "sendResync" | "hasRoom"> {
  readonly connections: Connections;
  readonly backlog: Backlog;
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
      hasRoom: ({ engine }, { args }) => this.#options.backlog.hasRoom(engine, args.length),
    });
  }

  /** See `LocalSockets.tell`. */
  tell(event: LoggedEvent): void {
    const { connections, onGap } = this.#options;
    let older: string | undefined, newer: string | undefined;
    let at = connections.first(event);
    while (at) {
      const connection = at;
      at = connection.next;
      const { behind, engine } = connection;
      if (behind) behind.newest = Math.max(behind.newest, event.offset);
      else if (event.offset <= connection.cursor) continue;
      else if (event.previous > connection.cursor) {
        onGap(connection);
        this.#catchUps.look(connection, event.offset);
      } else {
        connection.cursor = event.offset;
        if (!isMeantFor(connection, event)) continue;
        const frame = engine.protocol === 3
          ? older ??= frameOf(event, 3)
          : newer ??= frameOf(event, 4);
        this.#hand(connection, frame);
      }
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

  #send(connection: Connection, event: LoggedEvent): void {
    if (event.offset <= connection.cursor) return;
    connection.cursor = event.offset;
    if (!isMeantFor(connection, event)) return;
    if (!this.#hand(connection, frameOf(event, connection.engine.protocol))) return;
    if (event.kept?.includes(connection.client)) this.#options.onCaughtUp(connection, event);
  }

  #sendResync(connection: Connection): void {
    this.#options.onResync(connection);
    const { engine, cursor } = connection;
    const frame = frameOf({ args: RESYNC, offset: cursor }, engine.protocol);
    if (this.#options.backlog.admit(engine, frame.length)) engine.sendText(frame);
  }

  /** False where it does not fit: its socket is closed, and its client comes back for it. */
  #hand({ engine }: Connection, frame: string): boolean {
    if (!this.#options.backlog.admit(engine, frame.length)) return false;
    engine.sendText(frame);
    this.told++;
    return true;
  }
}
