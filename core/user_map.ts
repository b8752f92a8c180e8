/**
 * A map by context and user. Two look-ups with existing strings cost less than one with a string that
 * must be concatenated and hashed first. V8 enters every string that is a key into one table of all
 * strings, by its hash, and the hash of a number like "4711" is the number: the users 0 to 100,000
 * would lie side by side there, and each look-up of any string would search through them. So numbers
 * are keys as numbers.
 */

import type { UserName } from "./events.ts";

/** Values by user. */
export class UserMap<V> {
  readonly #contexts = new Map<string, Map<string | number, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ context, user }: UserName): V | undefined {
    return this.#contexts.get(context)?.get(keyOf(user));
  }

  set({ context, user }: UserName, value: V): void {
    let users = this.#contexts.get(context);
    if (!users) this.#contexts.set(context, users = new Map());
    const before = users.size;
    users.set(keyOf(user), value);
    this.#size += users.size - before;
  }

  /** Removes the value of a user; returns false where there is none. */
  delete({ context, user }: UserName): boolean {
    const users = this.#contexts.get(context);
    if (!users?.delete(keyOf(user))) return false;
    this.#size--;
    if (users.size === 0) this.#contexts.delete(context);
    return true;
  }

  /** Yields all values; the caller may remove values meanwhile. */
  *values(): Generator<V> {
    for (const users of this.#contexts.values()) yield* users.values();
  }
}

/** Digits of a number that V8 holds without an object of its own. */
const MAX_DIGITS = 9;
const ZERO = 48;

/** Returns the number that a name is the decimal form of, and otherwise the name. */
function keyOf(user: string): string | number {
  const { length } = user;
  if (length > MAX_DIGITS || length === 0) return user;
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = user.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9 || (digit === 0 && at === 0 && length > 1)) return user;
    value = 10 * value + digit;
  }
  return value;
}
