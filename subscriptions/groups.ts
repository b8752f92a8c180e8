/**
 * Named groups of users, as audiences. Members are stored in sorted pages (`_member_pages.ts`), so
 * that a group of a million users is read quickly, and changed without being read. An earlier version
 * stored a record for each member; those are still read, and removed.
 */

import { ServiceError } from "../core/errors.ts";
import type { Store, StoreKey } from "../core/store.ts";
import {
  changeNames,
  compareNames,
  followerOf,
  type MembersAfter,
  namesBehind,
  type UserPage,
} from "./_member_pages.ts";

export type { UserPage };

interface GroupName {
  readonly context: string;
  readonly group: string;
}

const PAGES = "groupPage";
/** Where an earlier version stored members. */
const SINGLES = "groupMember";
const NAMES = "group";
/** Records that are deleted at once. */
const MAX_DELETES = 100;

/** The groups in a store, which it borrows. Everything may throw `store_unavailable`. */
export class Groups {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /**
   * Adds users; those that are members already stay.
   *
   * @throws {ServiceError} `conflict` where others keep changing the same members
   */
  async add(name: GroupName, users: readonly string[]): Promise<void> {
    const set = { key: [NAMES, name.context, name.group], value: 1 };
    await this.#change(name, users, {
      change: (before, added) => sorted([...before, ...added]),
      more: () => ({ sets: [set] }),
    });
  }

  /**
   * Removes users; those that are no members do not matter.
   *
   * @throws {ServiceError} `conflict` where others keep changing the same members
   */
  async remove(name: GroupName, users: readonly string[]): Promise<void> {
    await this.#change(name, users, {
      change(before, removed) {
        const gone = new Set(removed);
        return before.filter((user) => !gone.has(user));
      },
      more: (removed) => ({ deletes: removed.map((user) => [...keyOf(SINGLES, name), user]) }),
    });
  }

  /** Removes a group with all its members. */
  async delete(name: GroupName): Promise<void> {
    for (const prefix of [keyOf(PAGES, name), keyOf(SINGLES, name)]) {
      for (;;) {
        const keys: StoreKey[] = [];
        for await (const { key } of this.#store.list({ prefix, limit: MAX_DELETES })) {
          keys.push(key);
        }
        if (keys.length === 0) break;
        await this.#store.commit({ deletes: keys });
      }
    }
    await this.#store.commit({ deletes: [[NAMES, name.context, name.group]] });
  }

  /**
   * Lists up to `limit` members; fewer may not be the last ones. A user that joins behind `after` while
   * pages are read is in a later one.
   */
  async members(name: GroupName, page: MembersAfter): Promise<UserPage> {
    const [paged, singles] = await Promise.all([
      namesBehind(this.#store, keyOf(PAGES, name), page),
      namesAfter(this.#store, keyOf(SINGLES, name), page),
    ]);
    if (singles.users.length === 0) return paged;
    const all = sorted([...paged.users, ...singles.users]);
    // Behind the end of either page, not all names are known.
    const [end] = sorted([paged.next ?? [], singles.next ?? []].flat());
    const known = all.filter((user) => end === undefined || compareNames(user, end) <= 0);
    const users = known.slice(0, page.limit);
    return users.length === all.length && end === undefined
      ? { users }
      : { users, next: users.at(-1)! };
  }

  /** Lists the groups of a context. */
  async list(
    context: string,
    page: MembersAfter,
  ): Promise<{ readonly groups: readonly string[]; readonly next?: string }> {
    const { users: groups, ...rest } = await namesAfter(this.#store, [NAMES, context], page);
    return { groups, ...rest };
  }

  async #change(
    name: GroupName,
    users: readonly string[],
    changes: Omit<Parameters<typeof changeNames>[2], "names">,
  ): Promise<void> {
    // A key has no lone surrogates, and decides which page a name belongs to.
    const names = sorted(users.map((user) => user.toWellFormed()));
    if (await changeNames(this.#store, keyOf(PAGES, name), { names, ...changes })) return;
    const message = "Cannot change the members: other requests keep changing them; try again";
    throw new ServiceError("conflict", message, { retryAfterSeconds: 1 });
  }
}

async function namesAfter(
  store: Store,
  prefix: StoreKey,
  { after, limit }: MembersAfter,
): Promise<UserPage> {
  const names: string[] = [];
  const start = after === undefined ? {} : { start: [...prefix, followerOf(after)] };
  for await (const { key } of store.list({ prefix, ...start, limit })) {
    names.push(String(key.at(-1)));
  }
  return names.length < limit ? { users: names } : { users: names, next: names.at(-1)! };
}

function keyOf(what: string, { context, group }: GroupName): StoreKey {
  return [what, context, group];
}

/** Returns names in their order, each once. */
function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort(compareNames);
}
