/**
 * Who is connected, on all nodes: reads and writes the lines of users. What they mean is decided in
 * `_presence_records.ts`; a line is put in the place of another only where it is still as it was read.
 */

import { ServiceError } from "../../core/errors.ts";
import type { JoinResult, Presence, SocketPresence, UserName } from "../../core/events.ts";
import { SWAP } from "./_scripts.ts";
import { presenceOf, type PresenceView, takePresence } from "./_presence_records.ts";
import { type parsePresences, parseState, userKeys } from "./_user_state.ts";
import { groupByPartition } from "../keys.ts";
import type { RedisLink } from "../link.ts";

/** What presence needs. */
export interface PresenceOptions {
  readonly link: RedisLink;
  readonly view: () => PresenceView;
  readonly readPresences: typeof parsePresences;
  /** What is proven for a socket of this process, which its line does not say. */
  readonly acknowledgedFor: (user: UserName, socketId: string) => number | undefined;
}

/** How long the lines of open sockets are kept without being announced again. */
export const KEEP_MS = 24 * 3_600_000;

const USERS_PER_CALL = 500;
/** Each try that fails is one that another socket of the user has won. */
const MAX_TRIES = 64;

/** The sockets of each of these users, in their order. */
export async function readPresence(
  users: readonly UserName[],
  { link, view, readPresences }: Pick<PresenceOptions, "link" | "view" | "readPresences">,
): Promise<readonly (readonly Presence[])[]> {
  const found: (readonly Presence[])[] = new Array(users.length);
  await Promise.all(
    groupByPartition(users, USERS_PER_CALL).map(async ({ items, places }) => {
      const keys = items.map((user) => userKeys(user).state);
      const reply = await link.send(keys[0]!, ["MGET", ...keys]) as readonly (string | null)[];
      const now = view();
      for (const [index, text] of reply.entries()) {
        const state = parseState(text ?? "", readPresences);
        found[places[index]!] = state === undefined ? NOBODY : presenceOf(state.presences, now);
      }
    }),
  );
  return found;
}

const NOBODY: readonly Presence[] = [];

/**
 * Lets a socket take its seat. A user of whom nothing is known, which is most of those who come,
 * costs one call; any other two.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function joinUser(
  seat: SocketPresence,
  { link, view, readPresences, acknowledgedFor }: PresenceOptions,
): Promise<JoinResult> {
  const { state, log, visits } = userKeys(seat);
  let expected = "";
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const lines = readPresences(expected);
    const provenOf = (socketId: string) => acknowledgedFor(seat, socketId);
    const { seats, from, wasThere, wasHere } = takePresence(lines, {
      seat,
      view: view(),
      provenOf,
    });
    const args = [expected, seats, wasThere ? 0 : 1, KEEP_MS, seat.id];
    const reply = await link.run(SWAP, [state, log, visits], args);
    const [isDone, last, present, isKnown] = reply as readonly [number, number, string, number];
    if (isDone === 1) {
      if (from !== undefined) return { last, acknowledged: Math.min(from, last) };
      return wasHere || isKnown === 1 ? { last, wasConnected: true } : { last };
    }
    expected = present;
  }
  throw new ServiceError(
    "store_unavailable",
    "Cannot join: too many sockets of the user join at the same time",
    { retryAfterSeconds: 1 },
  );
}
