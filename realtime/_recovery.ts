/**
 * Sockets that are behind their user's log: they have just come in, or were told too little, or
 * the hub thinks so. Each reads on until there is nothing new, and is told as it comes from then
 * on. Reads are few at a time; one that fails is made again after a pause, for as long as the
 * socket is open. A peer that takes its time is given it; one that takes nothing at all is given up.
 */

import type { Clock, Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub, LoggedEvent, MissedEvents } from "../core/events.ts";
import type { Log } from "../core/log.ts";
import type { SocketConnection } from "./_socket_connections.ts";

/** Where a socket is that is not told events as they come, but notes that there are some. */
export interface Recovery {
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
export interface RecoveryOptions {
  readonly hub: Pick<EventHub, "readMissed">;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  /** Tells one socket, or moves it past an event that is not meant for it; false: no room yet. */
  readonly send: (connection: SocketConnection, event: LoggedEvent) => boolean;
  /** Tells it that something before its cursor is missing. */
  readonly sendResync: (connection: SocketConnection) => void;
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
export class RecoveryReader {
  readonly #options: RecoveryOptions;
  /** Sockets whose turn to read has not come. */
  readonly #queue = new Set<SocketConnection>();
  /** Sockets that wait, and until when at least. */
  readonly #paused = new Map<SocketConnection, number>();
  #reads = 0;
  /** Whether the last read failed; said once in the log. */
  #isFailing = false;
  #timer: Timer | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** A socket that has been let in, and may be told. */
  go(connection: SocketConnection): void {
    connection.recovery!.state = "ready";
    this.#advance(connection);
  }

  /** Has a socket look into the log, as far as `newest` at least. */
  recover(connection: SocketConnection, newest = 0): void {
    const { recovery } = connection;
    if (recovery) {
      recovery.newest = Math.max(recovery.newest, newest);
      recovery.mustRead = true;
      return;
    }
    connection.recovery = { ...newRecovery(), newest, mustRead: true };
    this.go(connection);
  }

  /** Has a socket go on from the log once its peer has taken enough of what it was sent. */
  wait(connection: SocketConnection, newest: number): void {
    connection.recovery = { ...newRecovery(), newest, mustRead: true };
    this.#stall(connection);
  }

  close(): void {
    this.#timer?.cancel();
    this.#queue.clear();
    this.#paused.clear();
  }

  /** Goes on as far as it can at once. */
  #advance(connection: SocketConnection): void {
    const { recovery, engine } = connection;
    while (recovery?.state === "ready" && engine.readyState === "open") {
      const event = recovery.events[recovery.sent];
      if (recovery.isTorn) {
        recovery.isTorn = false;
        this.#options.sendResync(connection);
      } else if (event) {
        if (!this.#options.send(connection, event)) return this.#stall(connection);
        recovery.sent++;
        recovery.stall = undefined;
      } else if (recovery.mustRead || recovery.newest > connection.cursor) this.#read(connection);
      else {
        connection.recovery = undefined;
        return;
      }
    }
  }

  #read(connection: SocketConnection): void {
    const behind = connection.recovery!;
    behind.state = "reading";
    if (this.#reads >= MAX_READS) return void this.#queue.add(connection);
    behind.mustRead = false;
    const { newest } = behind;
    let answer: MissedEvents | Promise<MissedEvents>;
    try {
      answer = this.#options.hub.readMissed(connection, connection.cursor);
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

  #take(connection: SocketConnection, { events, complete }: MissedEvents, heard: number): void {
    const behind = connection.recovery!;
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

  #failed(connection: SocketConnection, thrown: unknown): void {
    const behind = connection.recovery!;
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
  #stall(connection: SocketConnection): void {
    const behind = connection.recovery!;
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

  #pause(connection: SocketConnection, forMs: number): void {
    connection.recovery!.state = "paused";
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
      connection.recovery!.state = "ready";
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
      connection.recovery!.state = "ready";
      this.#advance(connection);
    }
  }
}

/** Lets go of what was read and cannot be sent for a while. It is read again. */
function keepAtMost(count: number, behind: Recovery): void {
  if (behind.events.length - behind.sent <= count) return;
  behind.events = behind.events.slice(behind.sent, behind.sent + count);
  behind.sent = 0;
  behind.mustRead = true;
}

/** Whether it does not wait for its peer, or not in vain. */
function hasTaken({ recovery, engine }: SocketConnection): boolean {
  return recovery!.stall === undefined || engine.readyState !== "open" ||
    engine.backlogBytes < recovery!.stall.bytes;
}

/** The state of a socket that is being let in. */
export function newRecovery(): Recovery {
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
