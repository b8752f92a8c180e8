/** What is stored of a user who is there. Pure. */

import type { Clock } from "../core/clock.ts";
import type { LocalSeat } from "../core/events.ts";
import type { UserLog } from "./_user_log.ts";
import type { StoredSeat, StoredUser } from "./event_records.ts";

/** What is known of a user now. */
export interface Known {
  readonly log: UserLog | undefined;
  readonly open: readonly LocalSeat[];
  /** Where the user's log ends, as far as the caller knows. */
  readonly end: number;
  readonly clock: Clock;
  /** The sockets that are open now are about to be closed by the end of the process. */
  readonly isLeaving: boolean;
}

/** The stored form; `undefined` where the user is not there. */
export function storedUser({ log, open, end, clock, isLeaving }: Known): StoredUser | undefined {
  const now = clock.monotonic();
  const epoch = (at: number) => Math.round(clock.now() - (now - at));
  const last = log?.last ?? Math.max(furthest(open), end);
  const seats: StoredSeat[] = [];
  for (const { client, id, socketId, proven, at } of log?.left ?? []) {
    seats.push({ client, id, socketId, proven, beatMs: 0, leftAt: epoch(at) });
  }
  for (const { client, id, socketId, cursor, proven, beatMs } of open) {
    const seat = { client, id, socketId, proven: cursor < 0 ? last : proven, beatMs };
    seats.push(isLeaving ? { ...seat, leftAt: epoch(now) } : seat);
  }
  return seats.length === 0 ? undefined : { v: 1, last, floor: log?.floor ?? last, seats };
}

/** The furthest that any of these sockets was told; below 0 where that is not known. */
export function furthest(open: readonly LocalSeat[]): number {
  let end = -1;
  for (const { cursor } of open) end = Math.max(end, cursor);
  return end;
}
