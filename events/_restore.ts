/**
 * Reads back what a hub before this one knew: who was there, and what is left of their logs. Where
 * the events do not join on to what is known of a user, what came before counts as forgotten.
 */

import type { Clock } from "../core/clock.ts";
import { type LoggedEvent, offsetAt, type UserName } from "../core/events.ts";
import { UserMap } from "../core/user_map.ts";
import { type ClosedSocket, UserLog } from "./_user_log.ts";
import type { RetentionWindow } from "./_retention_window.ts";
import type { EventRecords, StoredSocket } from "./event_records.ts";

/** What restoring needs. */
export interface RestoreUsersOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** Takes the events, from now on as young as any. */
  readonly window: RetentionWindow;
  /** Told of every connection that was open or had left, however long ago. */
  readonly onSocket: (seat: UserName & StoredSocket) => void;
}

/**
 * The logs of all users who were there within the window before now. Their sockets count as left:
 * when they did, or when the hub was last known to be alive.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function restoreUsers(
  records: EventRecords,
  { clock, windowMs, window, onSocket }: RestoreUsersOptions,
): Promise<Iterable<UserLog>> {
  const logs = new UserMap<UserLog>();
  const ends: [log: UserLog, last: number][] = [];
  const gone: UserName[] = [];
  const aliveAt = Math.min(await records.readAlive(), clock.now());
  for await (const { context, user, state } of records.readUsers()) {
    if (state.v !== 2) {
      gone.push({ context, user });
      continue;
    }
    for (const seat of state.sockets) onSocket({ ...seat, context, user });
    const left = state.sockets.map((seat) => closedSocket(seat, aliveAt, clock))
      .filter(({ at }) => at >= clock.monotonic() - windowMs);
    if (left.length === 0) {
      gone.push({ context, user });
      continue;
    }
    const log = new UserLog({ context, user }, state.floor);
    log.closed = left;
    logs.set(log, log);
    ends.push([log, state.last]);
  }
  await Promise.all(gone.map((user) => records.saveUser(user, undefined, aliveAt)));
  for await (const events of records.readEvents()) {
    window.begin();
    for (const event of events) {
      const log = logs.get(event);
      if (log && event.offset > log.last) follow(log, event, window);
    }
  }
  for (const [log, end] of ends) {
    if (log.last < end) beginAt(log, end, window);
    log.assigned = log.last;
    log.closed = log.closed.map((seat) => ({
      ...seat,
      acknowledged: Math.min(seat.acknowledged, log.last),
    }));
  }
  return logs.values();
}

function follow(log: UserLog, event: LoggedEvent, window: RetentionWindow): void {
  if (event.previous !== log.last) beginAt(log, event.previous, window);
  window.append(log, event);
}

/** Whatever was before this offset is not known any more. */
function beginAt(log: UserLog, offset: number, window: RetentionWindow): void {
  window.clear(log);
  log.floor = log.last = offset;
}

function closedSocket(seat: StoredSocket, aliveAt: number, clock: Clock): ClosedSocket {
  const { client, id, socketId, heartbeatMs, closedAt } = seat;
  const awayMs = Math.max(0, clock.now() - (closedAt ?? aliveAt));
  const acknowledged = closedAt === undefined
    ? Math.max(seat.acknowledged, offsetAt(aliveAt - heartbeatMs))
    : seat.acknowledged;
  return { client, id, socketId, acknowledged, at: clock.monotonic() - awayMs };
}
