/** Makes the stored form of a user who is present. Pure. */

import type { Clock } from "../core/clock.ts";
import type { LocalSocket } from "../core/events.ts";
import type { UserLog } from "./_user_log.ts";
import type { StoredSocket, StoredUser } from "./event_records.ts";

interface UserState {
  readonly log: UserLog | undefined;
  readonly open: readonly LocalSocket[];
  /** Offset of the user's last event, as far as the caller knows; below 0 where it does not. */
  readonly end: number;
  readonly clock: Clock;
  /** The process is stopping: its open sockets count as closed now. */
  readonly isStopping: boolean;
}

/** Returns the stored form; `undefined` where the user is not present. */
export function storedUser(
  { log, open, end, clock, isStopping }: UserState,
): StoredUser | undefined {
  const now = clock.monotonic();
  const toEpoch = (at: number) => Math.round(clock.now() - (now - at));
  const last = log?.last ?? Math.max(highestCursor(open), end);
  const sockets: StoredSocket[] = [];
  for (const { client, id, socketId, acknowledged, at } of log?.closed ?? []) {
    sockets.push({ client, id, socketId, acknowledged, heartbeatMs: 0, closedAt: toEpoch(at) });
  }
  for (const { client, id, socketId, cursor, acknowledged, heartbeatMs } of open) {
    sockets.push({
      ...{ client, id, socketId, heartbeatMs },
      acknowledged: cursor < 0 ? last : acknowledged,
      ...(isStopping && { closedAt: toEpoch(now) }),
    });
  }
  return sockets.length === 0 ? undefined : { v: 2, last, floor: log?.floor ?? last, sockets };
}

/** Returns the highest cursor of these sockets; below 0 where no cursor is known. */
export function highestCursor(open: readonly LocalSocket[]): number {
  return Math.max(-1, ...open.map(({ cursor }) => cursor));
}
