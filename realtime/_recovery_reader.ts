/**
 * Sends events from the log to sockets that lag behind it: they have just been admitted, an event
 * did not follow the one before, or the hub reports that something may be lost. A socket reads
 * until nothing is new and then receives events as they come. Few reads run at once, and a read
 * that fails is repeated for as long as the socket is open. A peer that takes what it is sent
 * slowly may take its time; one that takes nothing is dropped.
 */

import type { Timer } from "../core/clock.ts";
import { messageOf } from "../core/errors.ts";
import type { EventHub, LoggedEvent, MissedEvents } from "../core/events.ts";
import type { SystemDeps } from "../core/system_deps.ts";
import { newRecovery, type Recovery } from "./_recovery_state.ts";
import type { SocketConnection } from "./_socket_connections.ts";

/** Options of {@link RecoveryReader}. */
export interface RecoveryOptions extends SystemDeps {
  readonly hub: Pick<EventHub, "readMissed">;
  /**
   * Sends an event to a socket, or moves the socket's cursor past an event that is not meant for
   * it. Returns false where the peer has no room for the event yet.
   */
  readonly send: (connection: SocketConnection, event: LoggedEvent) => boolean;
  /** Sends `resync`: something before the socket's cursor is missing. */
  readonly sendResync: (connection: SocketConnection) => void;
  /** Measures again what waits for all peers. */
  readonly measure: () => void;
  /** Milliseconds after which a peer that takes nothing is dropped. */
  readonly stalledAfterMs: () => number;
}

/** Reads of the log that run at once. */
const MAX_READS = 64;
/** Time between two checks of the sockets that wait. */
const TICK_MS = 50;
/** Events that are kept in memory for a slow peer, and how long where it takes nothing. */
const MAX_KEPT = 64;
const KEPT_MS = 1000;
/** Pause after the first failed read, and the longest. Jitter makes it half to one and a half times that. */
const FIRST_PAUSE_MS = 1000;
const MAX_PAUSE_MS = 15_000;

/** Recovers lagging sockets from the log. */
export class RecoveryReader {
  readonly #options: RecoveryOptions;
  /** Sockets that wait for another socket's read to end. */
  readonly #queue = new Set<SocketConnection>();
  /** Paused sockets, and the monotonic milliseconds until which each of them waits at least. */
  readonly #paused = new Map<SocketConnection, number>();
  #reads = 0;
  /** Whether the last read failed. Only the first failure is logged. */
  #isFailing = false;
  #timer: Timer | undefined;

  constructor(options: RecoveryOptions) {
    this.#options = options;
  }

  /** Starts a socket whose CONNECT packet was answered. */
  begin(connection: SocketConnection): void {
    connection.recovery!.state = "ready";
    this.#advance(connection);
  }

  /** Makes a socket read the log, at least up to `newest`. */
  recover(connection: SocketConnection, newest = 0): void {
    const { recovery } = connection;
    if (recovery) {
      recovery.newest = Math.max(recovery.newest, newest);
      recovery.mustRead = true;
      return;
    }
    connection.recovery = { ...newRecovery(), newest, mustRead: true };
    this.begin(connection);
  }

  /** Makes a socket read the log once its peer has taken enough of what it was sent. */
  waitForPeer(connection: SocketConnection, newest: number): void {
    connection.recovery = { ...newRecovery(), newest, mustRead: true };
    this.#stall(connection);
  }

  close(): void {
    this.#timer?.cancel();
    this.#queue.clear();
    this.#paused.clear();
  }

  /** Sends what was read, reads on, or ends the recovery, as far as possible without waiting. */
  #advance(connection: SocketConnection): void {
    const { recovery, port } = connection;
    while (recovery?.state === "ready" && port.readyState === "open") {
      const event = recovery.events[recovery.sent];
      if (recovery.needsResync) {
        recovery.needsResync = false;
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
    const recovery = connection.recovery!;
    recovery.state = "reading";
    if (this.#reads >= MAX_READS) return void this.#queue.add(connection);
    recovery.mustRead = false;
    const { newest } = recovery;
    let answer: MissedEvents | Promise<MissedEvents>;
    try {
      answer = this.#options.hub.readMissed(connection, connection.cursor);
    } catch (thrown) {
      return this.#onFailure(connection, thrown);
    }
    if (!(answer instanceof Promise)) return this.#onMissed(connection, answer, newest);
    this.#reads++;
    void answer.then(
      (missed) => this.#onMissed(connection, missed, newest),
      (thrown) => this.#onFailure(connection, thrown),
    ).finally(() => {
      this.#reads--;
      this.#advance(connection);
      this.#readNext();
    });
  }

  /** `newest` is the newest offset that was known when the read began. */
  #onMissed(
    connection: SocketConnection,
    { events, complete }: MissedEvents,
    newest: number,
  ): void {
    const recovery = connection.recovery!;
    recovery.state = "ready";
    recovery.failures = 0;
    this.#isFailing = false;
    recovery.events = events;
    recovery.sent = 0;
    const [first] = events;
    // Where the log does not have an event that this node heard of, the event is lost.
    if (complete && (first || newest <= connection.cursor)) return;
    recovery.needsResync = true;
    connection.cursor = first ? first.previous : Math.max(connection.cursor, newest);
  }

  #onFailure(connection: SocketConnection, thrown: unknown): void {
    const recovery = connection.recovery!;
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.#options.log.warn("cannot read missed events for sockets, trying again", {
        reason: messageOf(thrown),
      });
    }
    const pause = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** recovery.failures++);
    recovery.mustRead = true;
    this.#pause(connection, pause * (.5 + this.#options.random()));
  }

  /** Pauses a socket until its peer takes something, or drops the peer if that takes too long. */
  #stall(connection: SocketConnection): void {
    const recovery = connection.recovery!;
    const { port } = connection;
    const { clock, stalledAfterMs } = this.#options;
    const [now, bytes] = [clock.monotonic(), port.backlogBytes];
    const stall = recovery.stall ??= { since: now, bytes };
    if (bytes < stall.bytes) stall.since = now;
    stall.bytes = bytes;
    const stalledMs = now - stall.since;
    if (stalledMs >= stalledAfterMs()) return port.drop();
    keepAtMost(stalledMs < KEPT_MS ? MAX_KEPT : 0, recovery);
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
      if (connection.port.readyState === "open" && until > now) continue;
      this.#paused.delete(connection);
      connection.recovery!.state = "ready";
      // Reading for a peer that has no room would be in vain.
      if (hasTaken(connection)) this.#advance(connection);
      else this.#stall(connection);
    }
    if (this.#paused.size > 0) {
      this.#timer ??= this.#options.clock.after(TICK_MS, () => this.#tick());
    }
  }

  #readNext(): void {
    for (const connection of this.#queue) {
      if (this.#reads >= MAX_READS) return;
      this.#queue.delete(connection);
      connection.recovery!.state = "ready";
      this.#advance(connection);
    }
  }
}

/** Drops events that cannot be sent for a while from memory. They are read again. */
function keepAtMost(count: number, recovery: Recovery): void {
  if (recovery.events.length - recovery.sent <= count) return;
  recovery.events = recovery.events.slice(recovery.sent, recovery.sent + count);
  recovery.sent = 0;
  recovery.mustRead = true;
}

/** Whether a socket's peer has taken something, or there is no need to wait for it. */
function hasTaken({ recovery, port }: SocketConnection): boolean {
  return recovery!.stall === undefined || port.readyState !== "open" ||
    port.backlogBytes < recovery!.stall.bytes;
}
