/**
 * A fair queue: first in, first out within a group (a context), and the groups in turn, a few items
 * each time. However many items one group has, the next item of another waits for one turn of each
 * other group at most. Adding and taking cost the same however many items wait, and an empty group
 * takes no memory.
 */

/** Items taken from a group before the next one's turn. */
const QUOTA = 16;
/** Taken items at the front of a group's list before the list is cut. */
const MAX_TAKEN = 4096;

interface Group<T> {
  readonly name: string;
  items: T[];
  /** Index of the first item that was not taken. */
  head: number;
  /** The group whose turn comes after this one's. */
  next: Group<T> | undefined;
}

/** Takes items from groups in turn. */
export class FairQueue<T> {
  readonly #groupOf: (item: T) => string;
  readonly #quota: number;
  readonly #groups = new Map<string, Group<T>>();
  /** The group whose turn it is, and the one whose turn comes last. */
  #first: Group<T> | undefined;
  #last: Group<T> | undefined;
  /** Items taken from the first group in this turn. */
  #takenInTurn = 0;
  #size = 0;

  constructor(groupOf: (item: T) => string, { quota = QUOTA }: { readonly quota?: number } = {}) {
    this.#groupOf = groupOf;
    this.#quota = quota;
  }

  /** Number of items. */
  get size(): number {
    return this.#size;
  }

  /** Number of groups that have items. */
  get groups(): number {
    return this.#groups.size;
  }

  /** Adds an item to the end of its group. */
  push(item: T): void {
    const name = this.#groupOf(item);
    this.#size++;
    const isSame = this.#last !== undefined && this.#last.name === name;
    const group = isSame ? this.#last : this.#groups.get(name);
    if (group) return void group.items.push(item);
    const added: Group<T> = { name, items: [item], head: 0, next: undefined };
    this.#groups.set(name, added);
    this.#append(added);
  }

  /** Removes and returns up to `limit` items in fair order. */
  take(limit: number): T[] {
    const taken: T[] = [];
    while (taken.length < limit && this.#first) {
      const group = this.#first;
      const most = Math.min(limit - taken.length, this.#quota - this.#takenInTurn);
      const end = Math.min(group.items.length, group.head + most);
      for (let at = group.head; at < end; at++) taken.push(group.items[at]!);
      this.#takenInTurn += end - group.head;
      group.head = end;
      if (end === group.items.length) this.#retire(group);
      else if (this.#takenInTurn === this.#quota) this.#rotate(group);
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Removes and returns the items that match; costs as much as there are items. */
  withdraw(matches: (item: T) => boolean): T[] {
    const withdrawn: T[] = [];
    let first = this.#first;
    this.#first = this.#last = undefined;
    while (first) {
      const group = first;
      first = group.next;
      group.next = undefined;
      const rest: T[] = [];
      for (let at = group.head; at < group.items.length; at++) {
        const item = group.items[at]!;
        (matches(item) ? withdrawn : rest).push(item);
      }
      group.items = rest;
      group.head = 0;
      if (rest.length > 0) this.#append(group);
      else this.#groups.delete(group.name);
    }
    this.#size -= withdrawn.length;
    return withdrawn;
  }

  /** Removes all items. */
  clear(): void {
    this.#groups.clear();
    this.#first = this.#last = undefined;
    this.#takenInTurn = this.#size = 0;
  }

  #rotate(group: Group<T>): void {
    if (group.head > MAX_TAKEN && group.head * 2 > group.items.length) {
      group.items = group.items.slice(group.head);
      group.head = 0;
    }
    this.#advance(group);
    this.#append(group);
  }

  #retire(group: Group<T>): void {
    this.#groups.delete(group.name);
    this.#advance(group);
  }

  #advance(group: Group<T>): void {
    this.#first = group.next;
    group.next = undefined;
    this.#takenInTurn = 0;
    if (!this.#first) this.#last = undefined;
  }

  #append(group: Group<T>): void {
    if (this.#last) this.#last.next = group;
    else this.#first = group;
    this.#last = group;
  }
}
