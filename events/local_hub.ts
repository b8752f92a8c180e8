/**
 * The event hub of a single node: user logs in memory, and the node's own sockets. With records,
 * it stores events before it delivers them, and a restart finds who was present and what they were
 * sent. A user who is connected and quiet takes no memory here.
 */

import type { Clock } from "../core/clock.ts";
import {
  type EventHub,
  type JoinResult,
  type LocalSocket,
  type LocalSockets,
  type LoggedEvent,
  type MissedEvents,
  offsetAt,
  type Presence,
  type SocketPresence,
  type UserEvent,
  type UserName,
} from "../core/events.ts";
import type { Log } from "../core/log.ts";
import { UserMap } from "../core/user_map.ts";
import { PastConnections } from "./_past_connections.ts";
import { PresenceKeeper } from "./_presence_keeper.ts";
import { restoreUsers } from "./_restore.ts";
import { RetentionWindow, type WindowLimits } from "./_retention_window.ts";
import { highestCursor, storedUser } from "./_stored_user.ts";
import { UserLog } from "./_user_log.ts";
import type { EventRecords } from "./event_records.ts";

interface LocalHubOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => WindowLimits;
  /** Stores the logs; absent: they are in memory only. */
  readonly records?: EventRecords;
}

const NOTHING_LOST: ReadonlySet<string> = new Set();
const NONE: readonly LocalSocket[] = [];
/** How many windows stored events last: one before a crash, one after, and some slack. */
const STORED_WINDOWS = 2.5;

/** The hub of a single node. */
export class LocalHub implements EventHub {
  readonly #options: LocalHubOptions;
  readonly #logs = new UserMap<UserLog>();
  readonly #window: RetentionWindow;
  readonly #keeper: PresenceKeeper | undefined;
  readonly #pastConnections: PastConnections;
  #local: LocalSockets | undefined;
  /** The highest offset that was assigned to an event or given to a socket. */
  #highest = 0;
  #isStopped = false;

  constructor(options: LocalHubOptions) {
    const { clock, settings, records } = options;
    this.#options = options;
    this.#window = new RetentionWindow({
      clock,
      limits: settings,
      onAged: (log) => this.#recheck(log),
    });
    this.#pastConnections = new PastConnections({ clock, records });
    this.#keeper = records && new PresenceKeeper({
      ...{ ...options, records },
      stateOf: (user) =>
        storedUser({
          log: this.#logs.get(user),
          open: this.#socketsOf(user),
          end: user.end ?? -1,
          clock,
          isStopping: this.#isStopped,
        }),
      hasOpenSockets: () => this.#hasOpenSockets(),
    });
  }

  async start(local: LocalSockets): Promise<void> {
    const { records, clock, settings } = this.#options;
    this.#local = local;
    if (!records) return;
    const { windowMs } = settings();
    await this.#pastConnections.start();
    const logs = await restoreUsers(records, {
      ...{ clock, windowMs, window: this.#window },
      onSocket: (socket) => this.#pastConnections.add(socket),
    });
    for (const log of logs) {
      this.#logs.set(log, log);
      this.#highest = Math.max(this.#highest, log.last);
      this.#window.recheckLater(log);
      this.#keeper!.touch(log);
    }
    await this.#keeper!.start();
  }

  presence(users: readonly UserName[]): readonly (readonly Presence[])[] {
    const since = this.#windowStart();
    return users.map((user) => {
      const open: readonly Presence[] = this.#socketsOf(user);
      const closed = this.#logs.get(user)?.closed;
      if (!closed || closed.length === 0) return open;
      const recent = closed.filter(({ at }) => at >= since);
      return [
        ...open,
        ...recent.map(({ client, id, socketId }) => ({ client, id, socketId, open: false })),
      ];
    });
  }

  async publish(
    events: readonly UserEvent[],
    { isRepeat }: { readonly isRepeat: boolean },
  ): Promise<ReadonlySet<string>> {
    const known: LoggedEvent[] = [];
    const added: LoggedEvent[] = [];
    const logs: UserLog[] = [];
    const now = offsetAt(this.#options.clock.now());
    for (const event of events) {
      const log = this.#logOf(event);
      const former = isRepeat ? log.find(event.id) : undefined;
      if (former) known.push(former);
      else {
        const logged = log.assign(event, now);
        this.#highest = Math.max(this.#highest, logged.offset);
        added.push(logged);
        logs.push(log);
      }
    }
    for (const event of known) this.#local?.deliver(event);
    try {
      await this.#storeAndDeliver(added, logs);
    } finally {
      for (const log of logs) log.pending--;
    }
    return NOTHING_LOST;
  }

  join(socket: SocketPresence): JoinResult {
    const others = this.#othersOf(socket);
    const log = this.#logs.get(socket);
    log?.forgetClosed(this.#windowStart());
    if (log && others.length === 0 && log.closed.length === 0) this.#discard(log);
    const last = this.#endOf(socket, others);
    const stillOpen = others.find(({ id, acknowledged }) => id === socket.id && acknowledged >= 0);
    const acknowledged = log?.takeClosed(socket.id)?.acknowledged ?? stillOpen?.acknowledged;
    this.#keeper?.touch(socket, last);
    if (acknowledged !== undefined) return { last, acknowledged };
    return this.#pastConnections.has(socket) ? { last, wasConnected: true } : { last };
  }

  leave(socket: LocalSocket, acknowledged?: number): void {
    this.#pastConnections.add(socket);
    const others = this.#othersOf(socket);
    if (acknowledged !== undefined && !others.some(({ id }) => id === socket.id)) {
      const { client, id, socketId } = socket;
      const log = this.#logOf(socket, [socket, ...others]);
      log.remember({ client, id, socketId, acknowledged, at: this.#options.clock.monotonic() });
      this.#window.recheckLater(log);
    } else if (others.length === 0) {
      const log = this.#logs.get(socket);
      if (log && log.closed.length === 0) this.#discard(log);
    }
    this.#keeper?.touch(socket);
  }

  readMissed(user: UserName, after: number): MissedEvents {
    const log = this.#logs.get(user);
    if (log) return log.readMissed(after);
    const open = this.#socketsOf(user);
    return { events: [], complete: open.length > 0 && after === highestCursor(open) };
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (!this.#keeper) return;
    for (const socket of this.#local?.sockets() ?? NONE) {
      this.#pastConnections.add(socket);
      this.#keeper.touch(socket);
    }
    await this.#pastConnections.flush();
    await this.#keeper.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#window.close();
    this.#local = undefined;
  }

  /** Numbers for the operator: users with a log, and their events with about their bytes. */
  stats(): { readonly users: number; readonly events: number; readonly bytes: number } {
    const { events, bytes } = this.#window;
    return { users: this.#logs.size, events, bytes };
  }

  #socketsOf(user: UserName): readonly LocalSocket[] {
    return this.#local?.socketsOf(user) ?? NONE;
  }

  #othersOf(socket: SocketPresence): readonly LocalSocket[] {
    return this.#socketsOf(socket).filter(({ socketId }) => socketId !== socket.socketId);
  }

  #hasOpenSockets(): boolean {
    for (const _ of this.#local?.sockets() ?? NONE) return true;
    return false;
  }

  /** Connections that closed before this time are forgotten. */
  #windowStart(): number {
    return this.#options.clock.monotonic() - this.#options.settings().windowMs;
  }

  /** Returns the offset of the last event of a user who has these open sockets. */
  #endOf(user: UserName, open: readonly LocalSocket[]): number {
    const log = this.#logs.get(user);
    if (log) return log.last;
    const delivered = highestCursor(open);
    if (delivered >= 0) return delivered;
    return this.#highest = Math.max(this.#highest, offsetAt(this.#options.clock.now()));
  }

  #logOf(user: UserName, open = this.#socketsOf(user)): UserLog {
    let log = this.#logs.get(user);
    if (!log) {
      log = new UserLog(user, this.#endOf(user, open));
      this.#logs.set(log, log);
      this.#window.recheckLater(log);
    }
    return log;
  }

  /** @param logs the log of each event's user */
  async #storeAndDeliver(events: readonly LoggedEvent[], logs: readonly UserLog[]): Promise<void> {
    const { records, settings } = this.#options;
    const onStored = (from: number, to: number) => {
      this.#window.begin();
      for (let at = from; at < to; at++) this.#appendAndDeliver(events[at]!, logs[at]!);
    };
    if (!records) return onStored(0, events.length);
    if (events.length === 0) return;
    const keepMs = STORED_WINDOWS * settings().windowMs;
    await records.append(events, { keepMs, onStored });
  }

  #appendAndDeliver(event: LoggedEvent, assigned: UserLog): void {
    const log = assigned.isRemoved ? this.#logs.get(event) : assigned;
    // Without a log, all of the user's clients have left meanwhile.
    if (!log || event.offset <= log.last) return;
    const { last: previous } = log;
    // They differ where an event in between could not be stored.
    const logged = event.previous === previous ? event : { ...event, previous };
    this.#window.append(log, logged);
    this.#local?.deliver(logged);
  }

  /** Removes a log that is not needed any more. */
  #recheck(log: UserLog): void {
    if (this.#logs.get(log) !== log) return;
    log.forgetClosed(this.#windowStart());
    if (log.size > 0 || log.closed.length > 0) return;
    const open = this.#socketsOf(log);
    // A socket whose cursor is behind must still learn that it has missed events.
    const isLagging = open.some(({ cursor }) => cursor < log.last);
    if (log.pending > 0 || isLagging) return this.#window.recheckLater(log);
    if (open.length === 0) this.#discard(log);
    else this.#remove(log);
    this.#keeper?.touch(log);
  }

  /** Removes the log of a user who is not present, with its events. */
  #discard(log: UserLog): void {
    this.#remove(log);
    this.#window.clear(log);
  }

  #remove(log: UserLog): void {
    this.#logs.delete(log);
    log.isRemoved = true;
  }
}
