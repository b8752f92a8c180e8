/**
 * Sockets that are behind their user's log: they have just come in, or were told too little, or
 * the hub thinks so. Each reads on until there is nothing new, and is told as it comes from then
 * on. Reads are few at a time; one that fails is made again after a pause, for as long as the
 * socket is open. A peer that takes its time is given it; one that takes nothing at all is given up.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub, LoggedEvent, Missed } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { Connection } from "./_connections.ts";

/** Where a socket is that is not told events as they come, but notes that there are some. */
export interface Behind {
  state: "joining" | "ready" | "reading" | "paused";
  /** It has been here before. */
  isReturn: boolean;
  /** The newest offset that it heard of. */
  newest: number;
  /** The log must be looked at, whatever was heard. */
  mustRead: boolean;
  /** It is to be told that something is missing before the events. */
  isTorn: boolean;
  /** Read and not yet sent. */
  events: readonly LoggedEvent[];
  sent: number;
  failures: number;
  /** Absent while its peer takes what it is sent. */
  stall: Stall | undefined;
}

/** That a peer has to take something before it is sent more. */
interface Stall {
  /** Monotonic milliseconds at which it was last seen to take something. */
  since: number;
  /** What waited for it then. */
  bytes: number;
}

/** What catching up needs. */
export interface CatchUpOptions {
  readonly hub: Pick<EventHub, "missed">;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Tells one socket, or moves it past an event that is not meant for it; false: no room yet. */
  readonly send: (connection: Connection, event: LoggedEvent) => boolean;
  /** Tells it that something before its cursor is missing. */
  readonly sendResync: (connection: Connection) => void;
  /** Looks anew at what waits for all peers. */
  readonly measure: () => void;
  /** Milliseconds after which a peer that has taken nothing is given up. */
  readonly stalledAfterMs: () => number;
}

/** Reads of the log under way at once. */
const MAX_READS = 64;
/** How often sockets that wait are looked at. */
const TICK_MS = 50;
/** How many events are kept for a peer that takes its time, and how long where it takes nothing. */
const MAX_KEPT = 64;
const KEPT_MS = 1000;
/** After a read that failed: at first, and at most, half to one and a half times that. */
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 15_000;

/** See the file's comment. */
export class CatchUps {
  readonly #options: CatchUpOptions;
  /** Sockets whose turn to read has not come. */
  readonly #queue = new Set<Connection>();
  /** Sockets that wait, and until when at least. */
  readonly #paused = new Map<Connection, number>();
  #reads = 0;
  /** Whether the last read failed; said once in the log. */
  #isFailing = false;
  #timer: Timer | undefined;

  constructor(options: CatchUpOptions) {
    this.#options = options;
  }

  /** A socket that has been let in, and may be told. */
  go(connection: Connection): void {
    connection.behind!.state = "ready";
    this.#advance(connection);
  }

  /** Has a socket look into the log, as far as `newest` at least. */
  look(connection: Connection, newest = 0): void {
    const { behind } = connection;
    if (behind) {
      behind.newest = Math.max(behind.newest, newest);
      behind.mustRead = true;
      return;
    }
    connection.behind = { ...entering(), newest, mustRead: true };
    this.go(connection);
  }

  /** Has a socket go on from the log once its peer has taken enough of what it was sent. */
  wait(connection: Connection, newest: number): void {
    connection.behind = { ...entering(), newest, mustRead: true };
    this.#stall(connection);
  }

  close(): void {
    this.#timer?.cancel();
    this.#queue.clear();
    this.#paused.clear();
  }

  /** Goes on as far as it can at once. */
  #advance(connection: Connection): void {
    const { behind, engine } = connection;
    while (behind?.state === "ready" && engine.readyState === "open") {
      const event = behind.events[behind.sent];
      if (behind.isTorn) {
        behind.isTorn = false;
        this.#options.sendResync(connection);
      } else if (event) {
        if (!this.#options.send(connection, event)) return this.#stall(connection);
        behind.sent++;
        behind.stall = undefined;
      } else if (behind.mustRead || behind.newest > connection.cursor) this.#read(connection);
      else {
        connection.behind = undefined;
        return;
      }
    }
  }

  #read(connection: Connection): void {
    const behind = connection.behind!;
    behind.state = "reading";
    if (this.#reads >= MAX_READS) return void this.#queue.add(connection);
    behind.mustRead = false;
    const { newest } = behind;
    let answer: Missed | Promise<Missed>;
    try {
      answer = this.#options.hub.missed(connection, connection.cursor);
    } catch (thrown) {
      return this.#failed(connection, thrown);
    }
    if (!(answer instanceof Promise)) return this.#take(connection, answer, newest);
    this.#reads++;
    void answer.then(
      (missed) => this.#take(connection, missed, newest),
      (thrown) => this.#failed(connection, thrown),
    ).finally(() => {
      this.#reads--;
      this.#advance(connection);
      this.#next();
    });
  }

  #take(connection: Connection, { events, complete }: Missed, heard: number): void {
    const behind = connection.behind!;
    behind.state = "ready";
    behind.failures = 0;
    this.#isFailing = false;
    behind.events = events;
    behind.sent = 0;
    const [first] = events;
    // Where the log does not know what the socket had heard of, that has been lost.
    if (complete && (first || heard <= connection.cursor)) return;
    behind.isTorn = true;
    connection.cursor = first ? first.previous : Math.max(connection.cursor, heard);
  }

  #failed(connection: Connection, thrown: unknown): void {
    const behind = connection.behind!;
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.#options.log.warn("sockets could not catch up and try again", {
        reason: messageOf(thrown),
      });
    }
    const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** behind.failures++);
    behind.mustRead = true;
    this.#pause(connection, pause * (.5 + this.#options.random()));
  }

  /** Waits for its peer to take something, but not for ever. */
  #stall(connection: Connection): void {
    const behind = connection.behind!;
    const { engine } = connection;
    const { clock, stalledAfterMs } = this.#options;
    const [now, bytes] = [clock.monotonic(), engine.backlogBytes];
    const stall = behind.stall ??= { since: now, bytes };
    if (bytes < stall.bytes) stall.since = now;
    stall.bytes = bytes;
    const stalledMs = now - stall.since;
    if (stalledMs >= stalledAfterMs()) return engine.drop();
    keepAtMost(stalledMs < KEPT_MS ? MAX_KEPT : 0, behind);
    this.#pause(connection, 0);
  }

  #pause(connection: Connection, forMs: number): void {
    connection.behind!.state = "paused";
    this.#paused.set(connection, this.#options.clock.monotonic() + forMs);
    this.#timer ??= this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#timer = undefined;
    this.#options.measure();
    const now = this.#options.clock.monotonic();
    for (const [connection, until] of [...this.#paused]) {
      if (connection.engine.readyState === "open" && until > now) continue;
      this.#paused.delete(connection);
      connection.behind!.state = "ready";
      // Nothing is read for a peer that has no room for it.
      if (hasTaken(connection)) this.#advance(connection);
      else this.#stall(connection);
    }
    if (this.#paused.size > 0) {
      this.#timer ??= this.#options.clock.after(TICK_MS, () => this.#tick());
    }
  }

  #next(): void {
    for (const connection of this.#queue) {
      if (this.#reads >= MAX_READS) return;
      this.#queue.delete(connection);
      connection.behind!.state = "ready";
      this.#advance(connection);
    }
  }
}

/** Lets go of what was read and cannot be sent for a while. It is read again. */
function keepAtMost(count: number, behind: Behind): void {
  if (behind.events.length - behind.sent <= count) return;
  behind.events = behind.events.slice(behind.sent, behind.sent + count);
  behind.sent = 0;
  behind.mustRead = true;
}

/** Whether it does not wait for its peer, or not in vain. */
function hasTaken({ behind, engine }: Connection): boolean {
  return behind!.stall === undefined || engine.readyState !== "open" ||
    engine.backlogBytes < behind!.stall.bytes;
}

/** The state of a socket that is being let in. */
export function entering(): Behind {
  return {
    state: "joining",
    isReturn: false,
    newest: 0,
    mustRead: false,
    isTorn: false,
    events: [],
    sent: 0,
    failures: 0,
    stall: undefined,
  };
}
