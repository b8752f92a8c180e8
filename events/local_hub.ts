/**
 * The hub of a node that is alone: user logs in memory, and the node's own sockets. Where it is
 * given records, events are in the store before anybody is told, and a restart finds who was there
 * and what they were sent. A user who is connected and quiet costs nothing here.
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
import { type Changed, PresenceKeeper } from "./_presence_keeper.ts";
import { restoreUsers } from "./_restore.ts";
import { furthest, storedUser } from "./_stored_user.ts";
import { UserLog } from "./_user_log.ts";
import { RetentionWindow, type WindowLimits } from "./_retention_window.ts";
import type { EventRecords, StoredUser } from "./event_records.ts";

/** What a local hub is made of. */
export interface LocalHubOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: () => WindowLimits;
  /** Where logs are kept too; absent: nowhere. */
  readonly records?: EventRecords;
}

/** A hub with numbers for the operator. */
export interface LocalHub extends EventHub {
  stats(): {
    /** Users with something to remember. */
    readonly users: number;
    readonly events: number;
    /** Of the events, about. */
    readonly bytes: number;
  };
}

/** See the file's comment. */
export function createLocalHub(options: LocalHubOptions): LocalHub {
  return new MemoryHub(options);
}

const NOTHING_LOST: ReadonlySet<string> = new Set();
const NONE: readonly LocalSocket[] = [];
/** Windows that stored events last: one before a crash, one after, and some slack. */
const KEPT_WINDOWS = 2.5;

class MemoryHub implements LocalHub {
  readonly #options: LocalHubOptions;
  readonly #users = new UserMap<UserLog>();
  readonly #window: RetentionWindow;
  readonly #keeper: PresenceKeeper | undefined;
  readonly #visits: PastConnections;
  #local: LocalSockets | undefined;
  /** The highest offset given out or named to a socket. */
  #highest = 0;
  #stopped = false;

  constructor(options: LocalHubOptions) {
    const { clock, settings, records } = options;
    this.#options = options;
    this.#window = new RetentionWindow({
      clock,
      limits: settings,
      onAged: (log) => this.#aged(log),
    });
    this.#visits = new PastConnections({ clock, records });
    this.#keeper = records && new PresenceKeeper({
      ...{ ...options, records },
      stateOf: (user) => this.#stateOf(user),
      isAnybodyThere: () => this.#isAnybodyThere(),
    });
  }

  async start(local: LocalSockets): Promise<void> {
    const { records, clock, settings } = this.#options;
    this.#local = local;
    if (!records) return;
    const { windowMs } = settings();
    await this.#visits.start();
    const logs = await restoreUsers(records, {
      ...{ clock, windowMs, window: this.#window },
      onSocket: (seat) => this.#visits.add(seat),
    });
    for (const log of logs) {
      this.#users.set(log, log);
      this.#highest = Math.max(this.#highest, log.last);
      this.#window.look(log);
      this.#keeper!.touch(log);
    }
    await this.#keeper!.start();
  }

  presence(users: readonly UserName[]): readonly (readonly Presence[])[] {
    const since = this.#since();
    return users.map((user) => {
      const open: readonly Presence[] = this.#seatsOf(user);
      const left = this.#users.get(user)?.closed;
      if (!left || left.length === 0) return open;
      return [...open, ...left.filter(({ at }) => at >= since).map(leftSeat)];
    });
  }

  async publish(
    events: readonly UserEvent[],
    { isRepeat }: { readonly isRepeat: boolean },
  ): Promise<ReadonlySet<string>> {
    const known: LoggedEvent[] = [];
    const fresh: LoggedEvent[] = [];
    const logs: UserLog[] = [];
    const now = offsetAt(this.#options.clock.now());
    for (const event of events) {
      const log = this.#logOf(event);
      const former = isRepeat ? log.find(event.id) : undefined;
      if (former) known.push(former);
      else {
        fresh.push(this.#assign(log, event, now));
        logs.push(log);
      }
    }
    for (const event of known) this.#local?.deliver(event);
    try {
      await this.#keep(fresh, logs);
    } finally {
      for (const log of logs) log.pending--;
    }
    return NOTHING_LOST;
  }

  join(seat: SocketPresence): JoinResult {
    const open = this.#seatsOf(seat).filter(({ socketId }) => socketId !== seat.socketId);
    const log = this.#users.get(seat);
    log?.forgetClosed(this.#since());
    if (log && open.length === 0 && log.closed.length === 0) this.#discard(log);
    const last = this.#endOf(seat, open);
    const stillOpen = open.find(({ id, acknowledged }) => id === seat.id && acknowledged >= 0);
    const acknowledged = log?.takeClosed(seat.id)?.acknowledged ?? stillOpen?.acknowledged;
    this.#keeper?.touch(seat, last);
    if (acknowledged !== undefined) return { last, acknowledged };
    return this.#visits.has(seat) ? { last, wasConnected: true } : { last };
  }

  leave(seat: LocalSocket, acknowledged?: number): void {
    this.#visits.add(seat);
    const others = this.#seatsOf(seat).filter(({ socketId }) => socketId !== seat.socketId);
    if (acknowledged !== undefined && !others.some(({ id }) => id === seat.id)) {
      const { client, id, socketId } = seat;
      const log = this.#logOf(seat, [seat, ...others]);
      log.remember({ client, id, socketId, acknowledged, at: this.#options.clock.monotonic() });
      this.#window.look(log);
    } else if (others.length === 0) {
      const log = this.#users.get(seat);
      if (log && log.closed.length === 0) this.#discard(log);
    }
    this.#keeper?.touch(seat);
  }

  readMissed(user: UserName, after: number): MissedEvents {
    const log = this.#users.get(user);
    if (log) return log.readMissed(after);
    const open = this.#seatsOf(user);
    return { events: [], complete: open.length > 0 && after === furthest(open) };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    if (!this.#keeper) return;
    for (const seat of this.#local?.sockets() ?? NONE) {
      this.#visits.add(seat);
      this.#keeper.touch(seat);
    }
    await this.#visits.flush();
    await this.#keeper.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#window.close();
    this.#local = undefined;
  }

  stats() {
    const { events, bytes } = this.#window;
    return { users: this.#users.size, events, bytes };
  }

  #seatsOf(user: UserName): readonly LocalSocket[] {
    return this.#local?.socketsOf(user) ?? NONE;
  }

  #isAnybodyThere(): boolean {
    for (const _seat of this.#local?.sockets() ?? NONE) return true;
    return false;
  }

  /** Who left before this moment is not remembered. */
  #since(): number {
    return this.#options.clock.monotonic() - this.#options.settings().windowMs;
  }

  /** Where the log of a user ends who has these sockets. */
  #endOf(user: UserName, open: readonly LocalSocket[]): number {
    const log = this.#users.get(user);
    if (log) return log.last;
    const told = furthest(open);
    if (told >= 0) return told;
    return this.#highest = Math.max(this.#highest, offsetAt(this.#options.clock.now()));
  }

  #logOf(user: UserName, open = this.#seatsOf(user)): UserLog {
    let log = this.#users.get(user);
    if (!log) {
      log = new UserLog(user, this.#endOf(user, open));
      this.#users.set(log, log);
      this.#window.look(log);
    }
    return log;
  }

  #assign(log: UserLog, event: UserEvent, now: number): LoggedEvent {
    const { context, user, id, clients, args, except, kept, ack } = event;
    const previous = log.assigned;
    const offset = Math.max(now, previous + 1);
    log.assigned = offset;
    log.pending++;
    this.#highest = Math.max(this.#highest, offset);
    const logged = { context, user, id, clients, args, offset, previous };
    if (except === undefined && kept === undefined && ack === undefined) return logged;
    return {
      ...logged,
      ...(except !== undefined && { except }),
      ...(kept && { kept }),
      ...(ack && { ack }),
    };
  }

  /** @param logs of the users of these events */
  async #keep(events: readonly LoggedEvent[], logs: readonly UserLog[]): Promise<void> {
    const { records, settings } = this.#options;
    const append = (from: number, to: number) => {
      this.#window.begin();
      for (let at = from; at < to; at++) this.#append(events[at]!, logs[at]!);
    };
    if (!records) return append(0, events.length);
    if (events.length === 0) return;
    const keepMs = KEPT_WINDOWS * settings().windowMs;
    await records.append(events, { keepMs, onKept: append });
  }

  #append(event: LoggedEvent, known: UserLog): void {
    const log = known.isGone ? this.#users.get(event) : known;
    // Where everybody has left meanwhile, there is nobody to remember it for.
    if (!log || event.offset <= log.last) return;
    const { last: previous } = log;
    // Another one where what was assigned in between could not be written.
    const logged = event.previous === previous ? event : { ...event, previous };
    this.#window.append(log, logged);
    this.#local?.deliver(logged);
  }

  /** Something of a log has grown too old. */
  #aged(log: UserLog): void {
    if (this.#users.get(log) !== log) return;
    log.forgetClosed(this.#since());
    if (log.size > 0 || log.closed.length > 0) return;
    const open = this.#seatsOf(log);
    const isSettled = open.every(({ cursor }) => cursor >= log.last);
    if (log.pending > 0) return this.#window.look(log);
    if (open.length === 0) this.#discard(log);
    else if (isSettled) this.#remove(log);
    else return this.#window.look(log);
    this.#keeper?.touch(log);
  }

  /** Nobody is there any more: from now on nothing is logged. */
  #discard(log: UserLog): void {
    this.#remove(log);
    this.#window.clear(log);
  }

  #remove(log: UserLog): void {
    this.#users.delete(log);
    log.isGone = true;
  }

  /** What is to be found after a restart. */
  #stateOf(user: Changed): StoredUser | undefined {
    return storedUser({
      log: this.#users.get(user),
      open: this.#seatsOf(user),
      end: user.end ?? -1,
      clock: this.#options.clock,
      isStopping: this.#stopped,
    });
  }
}

function leftSeat({ client, id, socketId }: Pick<Presence, "client" | "id" | "socketId">) {
  return { client, id, socketId, open: false };
}
