/**
 * Reads back what a hub before this one knew: who was there, and what is left of their logs. Where
 * the events do not join on to what is known of a user, what came before counts as forgotten.
 */

import type { Clock } from "../core/clock.ts";
import { type LoggedEvent, offsetAt, type UserName } from "../core/events.ts";
import { UserMap } from "../core/user_map.ts";
import { type LeftSeat, UserLog } from "./_user_log.ts";
import type { Window } from "./_window.ts";
import type { EventRecords, StoredSeat } from "./event_records.ts";

/** What restoring needs. */
export interface RestoreOptions {
  readonly clock: Clock;
  readonly windowMs: number;
  /** Takes the events, from now on as young as any. */
  readonly window: Window;
  /** Told of every connection that was open or had left, however long ago. */
  readonly onSeat: (seat: UserName & StoredSeat) => void;
}

/**
 * The logs of all users who were there within the window before now. Their sockets count as left:
 * when they did, or when the hub was last known to be alive.
 *
 * @throws {ServiceError} `store_unavailable`
 */
export async function restore(
  records: EventRecords,
  { clock, windowMs, window, onSeat }: RestoreOptions,
): Promise<Iterable<UserLog>> {
  const logs = new UserMap<UserLog>();
  const ends: [log: UserLog, last: number][] = [];
  const gone: UserName[] = [];
  const aliveAt = Math.min(await records.readAlive(), clock.now());
  for await (const { context, user, state } of records.readUsers()) {
    for (const seat of state.seats) onSeat({ ...seat, context, user });
    const left = state.seats.map((seat) => leftSeat(seat, aliveAt, clock))
      .filter(({ at }) => at >= clock.monotonic() - windowMs);
    if (left.length === 0) {
      gone.push({ context, user });
      continue;
    }
    const log = new UserLog({ context, user }, state.floor);
    log.left = left;
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
    log.left = log.left.map((seat) => ({ ...seat, proven: Math.min(seat.proven, log.last) }));
  }
  return logs.values();
}

function follow(log: UserLog, event: LoggedEvent, window: Window): void {
  if (event.previous !== log.last) beginAt(log, event.previous, window);
  window.append(log, event);
}

/** Whatever was before this offset is not known any more. */
function beginAt(log: UserLog, offset: number, window: Window): void {
  window.clear(log);
  log.floor = log.last = offset;
}

function leftSeat(seat: StoredSeat, aliveAt: number, clock: Clock): LeftSeat {
  const { client, id, socketId, beatMs, leftAt } = seat;
  const awayMs = Math.max(0, clock.now() - (leftAt ?? aliveAt));
  const proven = leftAt === undefined
    ? Math.max(seat.proven, offsetAt(aliveAt - beatMs))
    : seat.proven;
  return { client, id, socketId, proven, at: clock.monotonic() - awayMs };
}
