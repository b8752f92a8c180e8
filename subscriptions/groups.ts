/**
 * Named groups of users, as audiences. A member is a record of its own, so that a group of a million
 * users is read in pages and changed without being read.
 */

import type { Store, StoreKey } from "../core/store.ts";

interface GroupName {
  readonly context: string;
  readonly group: string;
}

/** One page of users in the order of their names. */
export interface UserPage {
  readonly users: readonly string[];
  /** The user after which the next page begins; absent on the last one. */
  readonly next?: string;
}

interface PageRequest {
  readonly after?: string | undefined;
  readonly limit: number;
}

const MEMBERS = "groupMember";
const NAMES = "group";
/** Changes in one commit. */
const MAX_CHANGES = 400;

/** The groups in a store, which it borrows. Everything may throw `store_unavailable`. */
export class Groups {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Adds users; those that are members already stay. */
  async add({ context, group }: GroupName, users: readonly string[]): Promise<void> {
    for (const part of partsOf(users)) {
      const sets = part.map((user) => ({ key: memberKey({ context, group }, user), value: 1 }));
      await this.#store.commit({ sets: [...sets, { key: [NAMES, context, group], value: 1 }] });
    }
  }

  /** Removes users; those that are no members do not matter. */
  async remove(name: GroupName, users: readonly string[]): Promise<void> {
    for (const part of partsOf(users)) {
      await this.#store.commit({ deletes: part.map((user) => memberKey(name, user)) });
    }
  }

  /** Removes a group with all its members. */
  async delete(name: GroupName): Promise<void> {
    for (;;) {
      const { users } = await this.members(name, { limit: MAX_CHANGES });
      if (users.length === 0) break;
      await this.remove(name, users);
    }
    await this.#store.commit({ deletes: [[NAMES, name.context, name.group]] });
  }

  /** Lists members. A user that joins behind `after` while pages are read is in a later one. */
  members({ context, group }: GroupName, page: PageRequest): Promise<UserPage> {
    return namesAfter(this.#store, [MEMBERS, context, group], page);
  }

  /** Lists the groups of a context. */
  async list(
    context: string,
    page: PageRequest,
  ): Promise<{ readonly groups: readonly string[]; readonly next?: string }> {
    const { users: groups, ...rest } = await namesAfter(this.#store, [NAMES, context], page);
    return { groups, ...rest };
  }
}

async function namesAfter(
  store: Store,
  prefix: StoreKey,
  { after, limit }: PageRequest,
): Promise<UserPage> {
  const names: string[] = [];
  const start = after === undefined ? {} : { start: [...prefix, followerOf(after)] };
  for await (const { key } of store.list({ prefix, ...start, limit })) {
    names.push(String(key.at(-1)));
  }
  return names.length < limit ? { users: names } : { users: names, next: names.at(-1)! };
}

/** The first text after a name: names have no control characters. */
export function followerOf(name: string): string {
  return `${name}\u0000`;
}

function memberKey({ context, group }: GroupName, user: string): StoreKey {
  return [MEMBERS, context, group, user];
}

function* partsOf(users: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < users.length; at += MAX_CHANGES) yield users.slice(at, at + MAX_CHANGES);
}
