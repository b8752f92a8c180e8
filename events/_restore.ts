/**
 * Reads back the presence of users and their logs, as an earlier process stored them. Where a
 * user's events have a gap, the events before the gap count as forgotten.
 */

import type { Clock } from "../core/clock.ts";
import { type LoggedEvent, offsetAt, type UserName } from "../core/events.ts";
import { UserMap } from "../core/user_map.ts";
import { type ClosedSocket, UserLog } from "./_user_log.ts";
import type { RetentionWindow } from "./_retention_window.ts";
import type { EventRecords, StoredSocket } from "./event_records.ts";

interface RestoreUsersOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** Receives the events, which expire as if they were new. */
  readonly window: RetentionWindow;
  /** Called with every stored connection, however long ago it closed. */
  readonly onSocket: (socket: UserName & StoredSocket) => void;
}

/**
 * Returns the logs of all users who were present within the window before now. Their sockets count
 * as closed: when they closed, or when the hub was last known to be alive.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function restoreUsers(
  records: EventRecords,
  { clock, windowMs, window, onSocket }: RestoreUsersOptions,
): Promise<Iterable<UserLog>> {
  const logs = new UserMap<UserLog>();
  const ends: [log: UserLog, last: number][] = [];
  const absent: UserName[] = [];
  const aliveAt = Math.min(await records.readAlive(), clock.now());
  for await (const { context, user, state } of records.readUsers()) {
    if (state.v !== 2) {
      absent.push({ context, user });
      continue;
    }
    for (const socket of state.sockets) onSocket({ ...socket, context, user });
    const closed = state.sockets.map((socket) => closedSocket(socket, aliveAt, clock))
      .filter(({ at }) => at >= clock.monotonic() - windowMs);
    if (closed.length === 0) {
      absent.push({ context, user });
      continue;
    }
    const log = new UserLog({ context, user }, state.floor);
    log.closed = closed;
    logs.set(log, log);
    ends.push([log, state.last]);
  }
  await Promise.all(absent.map((user) => records.saveUser(user, undefined, aliveAt)));
  for await (const events of records.readEvents()) {
    window.begin();
    for (const event of events) {
      const log = logs.get(event);
      if (log && event.offset > log.last) append(log, event, window);
    }
  }
  for (const [log, end] of ends) {
    if (log.last < end) beginAt(log, end, window);
    log.assigned = log.last;
    log.closed = log.closed.map((socket) => ({
      ...socket,
      acknowledged: Math.min(socket.acknowledged, log.last),
    }));
  }
  return logs.values();
}

function append(log: UserLog, event: LoggedEvent, window: RetentionWindow): void {
  if (event.previous !== log.last) beginAt(log, event.previous, window);
  window.append(log, event);
}

/** Starts a log at this offset: the events before it are lost. */
function beginAt(log: UserLog, offset: number, window: RetentionWindow): void {
  window.clear(log);
  log.floor = log.last = offset;
}

function closedSocket(socket: StoredSocket, aliveAt: number, clock: Clock): ClosedSocket {
  const { client, id, socketId, heartbeatMs, closedAt } = socket;
  const agoMs = Math.max(0, clock.now() - (closedAt ?? aliveAt));
  const acknowledged = closedAt === undefined
    ? Math.max(socket.acknowledged, offsetAt(aliveAt - heartbeatMs))
    : socket.acknowledged;
  return { client, id, socketId, acknowledged, at: clock.monotonic() - agoMs };
}
