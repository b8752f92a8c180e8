/**
 * What is due, in fair order: first in, first out within a lane (a context), and the lanes in
 * turn, a few items to a visit. So however much one lane brings, another one's next item waits for
 * one visit to each of the others at most. Adding and taking cost the same however many wait, and
 * of a lane that is empty nothing is kept.
 */

/** Items that a lane may give before it is the next one's turn. */
const QUOTA = 16;
/** Taken items that stay at the front of a lane's list before it is cut. */
const MAX_TAKEN = 4096;

interface Lane<T> {
  readonly name: string;
  items: T[];
  /** Where the first item is that was not taken. */
  head: number;
  /** Whose turn it is after this one's. */
  next: Lane<T> | undefined;
}

/** See the file's comment. */
export class FairQueue<T> {
  readonly #laneOf: (item: T) => string;
  readonly #quota: number;
  readonly #lanes = new Map<string, Lane<T>>();
  /** The lane whose turn it is, and the one whose turn is the furthest off. */
  #first: Lane<T> | undefined;
  #last: Lane<T> | undefined;
  /** Items that the first lane has given in this visit. */
  #given = 0;
  #size = 0;

  constructor(laneOf: (item: T) => string, { quota = QUOTA }: { readonly quota?: number } = {}) {
    this.#laneOf = laneOf;
    this.#quota = quota;
  }

  /** Number of items. */
  get size(): number {
    return this.#size;
  }

  /** Number of lanes that have any. */
  get lanes(): number {
    return this.#lanes.size;
  }

  push(item: T): void {
    const name = this.#laneOf(item);
    this.#size++;
    const isSame = this.#last !== undefined && this.#last.name === name;
    const lane = isSame ? this.#last : this.#lanes.get(name);
    if (lane) return void lane.items.push(item);
    const added: Lane<T> = { name, items: [item], head: 0, next: undefined };
    this.#lanes.set(name, added);
    this.#append(added);
  }

  /** Removes and returns up to `limit` items, the next ones first. */
  take(limit: number): T[] {
    const taken: T[] = [];
    while (taken.length < limit && this.#first) {
      const lane = this.#first;
      const most = Math.min(limit - taken.length, this.#quota - this.#given);
      const end = Math.min(lane.items.length, lane.head + most);
      for (let at = lane.head; at < end; at++) taken.push(lane.items[at]!);
      this.#given += end - lane.head;
      lane.head = end;
      if (end === lane.items.length) this.#retire(lane);
      else if (this.#given === this.#quota) this.#rotate(lane);
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Forgets everything. */
  clear(): void {
    this.#lanes.clear();
    this.#first = this.#last = undefined;
    this.#given = this.#size = 0;
  }

  #rotate(lane: Lane<T>): void {
    if (lane.head > MAX_TAKEN && lane.head * 2 > lane.items.length) {
      lane.items = lane.items.slice(lane.head);
      lane.head = 0;
    }
    this.#advance(lane);
    this.#append(lane);
  }

  #retire(lane: Lane<T>): void {
    this.#lanes.delete(lane.name);
    this.#advance(lane);
  }

  #advance(lane: Lane<T>): void {
    this.#first = lane.next;
    lane.next = undefined;
    this.#given = 0;
    if (!this.#first) this.#last = undefined;
  }

  #append(lane: Lane<T>): void {
    if (this.#last) this.#last.next = lane;
    else this.#first = lane;
    this.#last = lane;
  }
}
