/** Reads audiences from what subscriptions, sessions and groups store. */

import { listSessionUsers } from "../auth/mod.ts";
import type { Clock } from "../core/clock.ts";
import type { Store } from "../core/store.ts";
import type { ReadAudience } from "../delivery/mod.ts";
import { type Groups, listSubscribers, subscribersAmong } from "../subscriptions/mod.ts";

/** Cursors of everyone: first those with subscriptions, then those with sessions only. */
const SUBSCRIBERS = "a";
const SESSIONS = "b";

/** Creates the function that reads pages of audiences. */
export function createAudienceReader(
  { store, groups, clock }: {
    readonly store: Store;
    readonly groups: Groups;
    readonly clock: Pick<Clock, "now">;
  },
): ReadAudience {
  async function everyone(
    { context, after, limit }: Pick<Parameters<ReadAudience>[1], "context" | "after" | "limit">,
  ): ReturnType<ReadAudience> {
    const now = clock.now();
    const last = after?.slice(1);
    if (after === undefined || after.startsWith(SUBSCRIBERS)) {
      const { users, next } = await listSubscribers(store, { context, after: last, limit, now });
      return { users, next: next === undefined ? SESSIONS : `${SUBSCRIBERS}${next}` };
    }
    const from = last === "" ? undefined : last;
    const { users, next } = await listSessionUsers(store, { context, after: from, limit });
    const known = await subscribersAmong(store, { context, users, now });
    return {
      users: users.filter((user) => !known.has(user)),
      ...(next !== undefined && { next: `${SESSIONS}${next}` }),
    };
  }

  return async (audience, { context, topic, after, limit }) => {
    switch (audience.kind) {
      case "everyone":
        return await everyone({ context, after, limit });
      case "subscribers":
        return await listSubscribers(store, { context, topic, after, limit, now: clock.now() });
      case "group":
        return await groups.members({ context, group: audience.group }, { after, limit });
    }
  };
}
