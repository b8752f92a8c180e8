/**
 * The log of one user: events within the window, and connections that closed within it. Users who
 * are only connected have none: their log ends at the cursors of their sockets.
 */

import type { LoggedEvent, MissedEvents, UserEvent, UserName } from "../core/events.ts";

/** A connection that closed; its client may reconnect. */
export interface ClosedSocket {
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  /** Offset up to which its client has received everything. */
  readonly acknowledged: number;
  /** When it closed, in monotonic milliseconds. */
  readonly at: number;
}

/** Closed connections of one user; of more, the earliest are forgotten. */
const MAX_CLOSED = 32;

/** Events and closed connections of one user. */
export class UserLog implements UserName {
  readonly context: string;
  readonly user: string;
  /** Offset of the newest event. */
  last: number;
  assigned: number;
  /** Number of events that are being stored. */
  pending = 0;
  /** Offset of the last forgotten event: no read from before it is complete. */
  floor: number;
  #events: (LoggedEvent | undefined)[] = [];
  /** Index of the oldest event; those before it are forgotten. */
  #head = 0;
  closed: readonly ClosedSocket[] = [];
  /** The hub has removed it; its user may have another log. */
  isRemoved = false;
  /** Events forgotten before the retention window got to them. */
  forgottenEarly = 0;

  /** An empty log that ends at an offset. */
  constructor({ context, user }: UserName, end: number) {
    this.context = context;
    this.user = user;
    this.last = this.assigned = this.floor = end;
  }

  get size(): number {
    return this.#events.length - this.#head;
  }

  /** Assigns the next offset to an event that is about to be stored and appended. */
  assign(event: UserEvent, now: number): LoggedEvent {
    const { context, user, id, clients, args } = event;
    const { except, kept, ack, collapseKey, traceparent } = event;
    const previous = this.assigned;
    const offset = this.assigned = Math.max(now, previous + 1);
    this.pending++;
    const logged = { context, user, id, clients, args, offset, previous };
    if (
      except === undefined && kept === undefined && ack === undefined &&
      collapseKey === undefined && traceparent === undefined
    ) return logged;
    return {
      ...logged,
      ...(except !== undefined && { except }),
      ...(kept && { kept }),
      ...(ack && { ack }),
      ...(collapseKey !== undefined && { collapseKey }),
      ...(traceparent !== undefined && { traceparent }),
    };
  }

  append(event: LoggedEvent): void {
    this.#events.push(event);
    this.last = event.offset;
  }

  /** Removes and returns the oldest event, if there is one. */
  forget(): LoggedEvent | undefined {
    const event = this.#events[this.#head];
    if (!event) return undefined;
    this.floor = event.offset;
    this.#events[this.#head++] = undefined;
    if (this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
    return event;
  }

  find(id: string): LoggedEvent | undefined {
    return this.#events.find((event) => event?.id === id);
  }

  /** Returns the events after an offset, and whether those are all. */
  readMissed(after: number): MissedEvents {
    const complete = after >= this.floor && after <= this.last;
    const events = this.#events;
    let from = events.length;
    while (from > this.#head && events[from - 1]!.offset > after) from--;
    const missed = from === events.length ? [] : events.slice(from) as readonly LoggedEvent[];
    return { events: missed, complete };
  }

  remember(socket: ClosedSocket): void {
    const others = this.closed.filter(({ id }) => id !== socket.id);
    this.closed = [...others.slice(-(MAX_CLOSED - 1)), socket];
  }

  takeClosed(id: string): ClosedSocket | undefined {
    const socket = this.closed.find((each) => each.id === id);
    if (socket) this.closed = this.closed.filter((each) => each !== socket);
    return socket;
  }

  /** Forgets connections that closed before a time in monotonic milliseconds. */
  forgetClosed(before: number): void {
    if (this.closed.some(({ at }) => at < before)) {
      this.closed = this.closed.filter(({ at }) => at >= before);
    }
  }
}
