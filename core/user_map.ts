/**
 * A map by context and user. Two look-ups with existing strings cost less than one with a string that
 * must be concatenated and hashed first.
 */

import type { UserName } from "./events.ts";

/** Values by user. */
export class UserMap<V> {
  readonly #contexts = new Map<string, Map<string, V>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get({ context, user }: UserName): V | undefined {
    return this.#contexts.get(context)?.get(user);
  }

  set({ context, user }: UserName, value: V): void {
    let users = this.#contexts.get(context);
    if (!users) this.#contexts.set(context, users = new Map());
    const before = users.size;
    users.set(user, value);
    this.#size += users.size - before;
  }

  /** Removes the value of a user; returns false where there is none. */
  delete({ context, user }: UserName): boolean {
    const users = this.#contexts.get(context);
    if (!users?.delete(user)) return false;
    this.#size--;
    if (users.size === 0) this.#contexts.delete(context);
    return true;
  }

  /** Yields all values; the caller may remove values meanwhile. */
  *values(): Generator<V> {
    for (const users of this.#contexts.values()) yield* users.values();
  }
}
