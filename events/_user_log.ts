/**
 * The log of one user while there is something to remember: events that are young enough, and
 * connections that closed a moment ago. Users who are only connected have none: where their log
 * ends is what their sockets have been told.
 */

import type { LoggedEvent, MissedEvents, UserName } from "../core/events.ts";

/** A connection that closed, and may come back. */
export interface ClosedSocket {
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  /** Up to here its client has everything. */
  readonly acknowledged: number;
  /** When it closed, by the monotonic clock. */
  readonly at: number;
}

/** Connections of one user that are remembered; of more, the first to leave are forgotten. */
const MAX_LEFT = 32;

/** See the file's comment. */
export class UserLog implements UserName {
  readonly context: string;
  readonly user: string;
  /** Offset of the newest event. */
  last: number;
  /** The highest offset given out. */
  assigned: number;
  /** Events on their way to the store. */
  pending = 0;
  /** Offset of the last event that is not remembered: nothing before it can be complete. */
  floor: number;
  #events: (LoggedEvent | undefined)[] = [];
  /** Where the oldest event is; those before it are forgotten. */
  #head = 0;
  closed: readonly ClosedSocket[] = [];
  /** It is its user's log no more. */
  isGone = false;
  /** Events that went before their turn in the order of age. */
  wentAhead = 0;

  /** An empty log that ends at an offset. */
  constructor({ context, user }: UserName, end: number) {
    this.context = context;
    this.user = user;
    this.last = this.assigned = this.floor = end;
  }

  /** Events that are remembered. */
  get size(): number {
    return this.#events.length - this.#head;
  }

  append(event: LoggedEvent): void {
    this.#events.push(event);
    this.last = event.offset;
  }

  /** Forgets the oldest event, if there is one. */
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

  /** See `EventHub.missed`. */
  readMissed(after: number): MissedEvents {
    const complete = after >= this.floor && after <= this.last;
    const events = this.#events;
    let from = events.length;
    while (from > this.#head && events[from - 1]!.offset > after) from--;
    const missed = from === events.length ? [] : events.slice(from) as readonly LoggedEvent[];
    return { events: missed, complete };
  }

  remember(seat: ClosedSocket): void {
    const others = this.closed.filter(({ id }) => id !== seat.id);
    this.closed = [...others.slice(-(MAX_LEFT - 1)), seat];
  }

  /** Forgets the connection of an id, and says what was known of it. */
  takeClosed(id: string): ClosedSocket | undefined {
    const seat = this.closed.find((each) => each.id === id);
    if (seat) this.closed = this.closed.filter((each) => each !== seat);
    return seat;
  }

  /** Forgets those that left before a moment. */
  forgetClosed(before: number): void {
    if (this.closed.some(({ at }) => at < before)) {
      this.closed = this.closed.filter(({ at }) => at >= before);
    }
  }
}
