/** What is stored of a user who is there. Pure. */

import type { Clock } from "../core/clock.ts";
import type { LocalSocket } from "../core/events.ts";
import type { UserLog } from "./_user_log.ts";
import type { StoredSocket, StoredUser } from "./event_records.ts";

/** What is known of a user now. */
export interface UserState {
  readonly log: UserLog | undefined;
  readonly open: readonly LocalSocket[];
  /** Where the user's log ends, as far as the caller knows. */
  readonly end: number;
  readonly clock: Clock;
  /** The sockets that are open now are about to be closed by the end of the process. */
  readonly isStopping: boolean;
}

/** The stored form; `undefined` where the user is not there. */
export function storedUser(
  { log, open, end, clock, isStopping }: UserState,
): StoredUser | undefined {
  const now = clock.monotonic();
  const epoch = (at: number) => Math.round(clock.now() - (now - at));
  const last = log?.last ?? Math.max(furthest(open), end);
  const sockets: StoredSocket[] = [];
  for (const { client, id, socketId, acknowledged, at } of log?.closed ?? []) {
    sockets.push({ client, id, socketId, acknowledged, heartbeatMs: 0, closedAt: epoch(at) });
  }
  for (const { client, id, socketId, cursor, acknowledged, heartbeatMs } of open) {
    const seat = {
      client,
      id,
      socketId,
      acknowledged: cursor < 0 ? last : acknowledged,
      heartbeatMs,
    };
    sockets.push(isStopping ? { ...seat, closedAt: epoch(now) } : seat);
  }
  return sockets.length === 0 ? undefined : { v: 2, last, floor: log?.floor ?? last, sockets };
}

/** The furthest that any of these sockets was told; below 0 where that is not known. */
export function furthest(open: readonly LocalSocket[]): number {
  let end = -1;
  for (const { cursor } of open) end = Math.max(end, cursor);
  return end;
}
