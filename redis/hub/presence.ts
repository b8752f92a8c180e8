/**
 * Reads and writes the presence records of users. `_presence_records.ts` decides what they mean.
 * Lines are replaced only where they are still as they were read.
 */

import { ServiceError } from "../../core/errors.ts";
import type { JoinResult, Presence, SocketPresence, UserName } from "../../core/events.ts";
import { REPLACE_PRESENCES } from "./_scripts.ts";
import { joinPresence, presenceOf, type PresenceView } from "./_presence_records.ts";
import { type parsePresences, parseState, userKeys } from "./_user_state.ts";
import { groupByPartition } from "../keys.ts";
import type { RedisLink } from "../link.ts";

/** Options of {@link joinUser} and {@link readPresence}. */
export interface PresenceOptions {
  readonly link: RedisLink;
  readonly view: () => PresenceView;
  readonly readPresences: typeof parsePresences;
  /** Returns the acknowledged offset of a socket of this process. Its record in Redis is older. */
  readonly acknowledgedFor: (user: UserName, socketId: string) => number | undefined;
}

/** How long the state of a user is kept without a renewal. */
export const KEEP_MS = 24 * 3_600_000;

const USERS_PER_CALL = 500;
/** A try only fails where another socket of the user has joined meanwhile. */
const MAX_TRIES = 64;

/** Returns the sockets of each user, in the order of the users. */
export async function readPresence(
  users: readonly UserName[],
  { link, view, readPresences }: Pick<PresenceOptions, "link" | "view" | "readPresences">,
): Promise<readonly (readonly Presence[])[]> {
  const found: (readonly Presence[])[] = new Array(users.length);
  await Promise.all(
    groupByPartition(users, USERS_PER_CALL).map(async ({ items, places }) => {
      const keys = items.map((user) => userKeys(user).state);
      const reply = await link.send(keys[0]!, ["MGET", ...keys]) as readonly (string | null)[];
      const current = view();
      for (const [index, text] of reply.entries()) {
        const state = parseState(text ?? "", readPresences);
        found[places[index]!] = state === undefined ? NONE : presenceOf(state.presences, current);
      }
    }),
  );
  return found;
}

const NONE: readonly Presence[] = [];

/**
 * Adds a socket to the presence of its user. A user without a state, as most are, costs one call,
 * any other two.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function joinUser(
  socket: SocketPresence,
  { link, view, readPresences, acknowledgedFor }: PresenceOptions,
): Promise<JoinResult> {
  const { state, log, pastConnections } = userKeys(socket);
  let expected = "";
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const records = readPresences(expected);
    const joined = joinPresence(records, {
      ...{ socket, view: view() },
      acknowledgedFor: (socketId) => acknowledgedFor(socket, socketId),
    });
    const args = [expected, joined.lines, joined.isUnbroken ? 0 : 1, KEEP_MS, socket.id];
    const reply = await link.run(REPLACE_PRESENCES, [state, log, pastConnections], args);
    const [isDone, last, present, isKnown] = reply as readonly [number, number, string, number];
    if (isDone === 1) {
      if (joined.acknowledged !== undefined) {
        return { last, acknowledged: Math.min(joined.acknowledged, last) };
      }
      return joined.wasConnected || isKnown === 1 ? { last, wasConnected: true } : { last };
    }
    expected = present;
  }
  throw new ServiceError(
    "store_unavailable",
    "Cannot join: too many sockets of the user join at the same time",
    { retryAfterSeconds: 1 },
  );
}
