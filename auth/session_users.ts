/** Lists the users of a context that have sessions of this service, as an audience. */

import type { Store } from "../core/store.ts";
import { userSessionKey } from "./_session_records.ts";

/**
 * Returns a page of users, each once, in the order of their names. Sessions of JWTs that others
 * issue are not known.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function listSessionUsers(
  store: Store,
  { context, after, limit }: {
    readonly context: string;
    readonly after?: string | undefined;
    readonly limit: number;
  },
): Promise<{ readonly users: readonly string[]; readonly next?: string }> {
  const [first] = userSessionKey({ id: "", context, user: "", createdAt: 0, expiresAt: 0 });
  const prefix = [first!, context];
  // Names have no control characters, so that no user is between the two.
  const start = after === undefined ? {} : { start: [...prefix, `${after}\u0000`] };
  const users: string[] = [];
  for await (const { key } of store.list({ prefix, ...start })) {
    const user = String(key[2]);
    if (user === users.at(-1)) continue;
    if (users.length === limit) return { users, next: users.at(-1)! };
    users.push(user);
  }
  return { users };
}
