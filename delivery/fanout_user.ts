/** Looks for one user among those of a notification to many, with bounded work. */

import type { Fanouts } from "./fanout.ts";

/** What a search for a user of a notification to many has found. */
export interface FoundUser {
  /** Whether the user is among those who were read. */
  readonly included: boolean;
  /** How many users were read. */
  readonly searched: number;
  /** The id of the user's notification, once it is accepted. */
  readonly id?: string;
  /** Epoch milliseconds of the user's own time, where that is to come. */
  readonly deliverAt?: number;
  /** Set where the search ended before the last page. */
  readonly stopped?: true;
}

/** Pages that are read; each has up to a thousand users. */
const MAX_PAGES = 200;

/**
 * Looks for a user in the pages so far.
 *
 * @throws {ServiceError} `store_unavailable`; the promise rejects with it
 */
export async function findFanoutUser(
  fanouts: Pick<Fanouts, "page">,
  { id, user }: { readonly id: string; readonly user: string },
): Promise<FoundUser> {
  let searched = 0;
  for (let page = 0; page < MAX_PAGES; page++) {
    const found = await fanouts.page(id, page);
    if (!found) return { included: false, searched };
    searched += found.users.length;
    const at = found.users.indexOf(user);
    if (at < 0) continue;
    const own = found.ids?.[at];
    return {
      ...{ included: true, searched },
      ...own !== undefined && { id: own },
      ...own === undefined && found.atMs !== undefined && { deliverAt: found.atMs },
    };
  }
  return { included: false, searched, stopped: true };
}
