/**
 * The event logs: one Redis Stream per user, whose ids are the offsets. Appending and reading come
 * down to one script call per partition; who is to be told follows from what the call answers.
 */

import type { LoggedEvent, MissedEvents, UserEvent, UserName } from "../../core/events.ts";
import { byPartition } from "./_by_partition.ts";
import { MISSED, PUBLISH } from "./_scripts.ts";
import { isThere, type PresenceView } from "./_presence_records.ts";
import { type parsePresences, parseState, type PresenceRecord, userKeys } from "./_user_state.ts";
import { claimsKey } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";

/** How events are appended. */
export interface AppendOptions {
  readonly link: RedisLink;
  /** Some may be in the log already, and keep their place. */
  readonly isRepeat: boolean;
  /** Only what is claimed by this node is appended; absent: whatever it is. */
  readonly claimedBy: string | undefined;
  readonly windowMs: number;
  readonly maxEventsPerUser: number;
  readonly readPresences: typeof parsePresences;
  /**
   * Takes what has been appended, a part at a time and in order; awaited before the whole resolves.
   */
  readonly onAppended: (events: readonly Appended[]) => Promise<void>;
}

/** An event with its place, and who was there when it got it. */
export interface Appended {
  readonly event: LoggedEvent;
  readonly presences: readonly PresenceRecord[];
}

type About = Pick<UserEvent, "clients" | "except" | "kept" | "ack">;

const EVENTS_PER_CALL = 256;
/** Fewer, since the logs of their users are searched. */
const EVENTS_PER_CALL_AGAIN = 16;

/**
 * Appends events to the logs of their users. Resolves to the ids of those that another node has.
 *
 * @throws {ServiceError} `store_unavailable`; some may have been appended all the same
 */
export async function appendEvents(
  events: readonly UserEvent[],
  options: AppendOptions,
): Promise<ReadonlySet<string>> {
  const size = options.isRepeat ? EVENTS_PER_CALL_AGAIN : EVENTS_PER_CALL;
  const lost = new Set<string>();
  const parts = await Promise.allSettled(
    byPartition(events, size).map(async ({ partition, items }) => {
      const reply = await append(partition, items, options);
      const appended: Appended[] = [];
      for (const [index, event] of items.entries()) {
        const [offset, previous, seats] = reply.slice(index * 3, index * 3 + 3);
        if (offset === 0) lost.add(event.id);
        else {
          appended.push({
            event: { ...event, offset: Number(offset), previous: Number(previous) },
            presences: options.readPresences(String(seats)),
          });
        }
      }
      await options.onAppended(appended);
    }),
  );
  for (const part of parts) if (part.status === "rejected") throw part.reason;
  return lost;
}

/** What a user's log has after an offset. */
export async function readMissedEvents(
  name: UserName,
  after: number,
  { link, view }: { readonly link: RedisLink; readonly view: () => PresenceView },
): Promise<MissedEvents> {
  const { state, log } = userKeys(name);
  // Ids of streams are no fractions, and not below zero.
  const start = Math.max(0, Math.floor(after)) + 1;
  const reply = await link.run(MISSED, [state, log], [start]);
  const [text, entries] = reply as readonly [string, readonly Reply[]];
  const events = entries.map((entry) => readEntry(name, entry));
  const known = parseState(text);
  if (known === undefined || !isThere(known.presences, view())) return { events, complete: false };
  return { events, complete: isComplete(after, { last: known.last, first: events[0] }) };
}

/**
 * Whether a log has everything after an offset, given its end and the first event that it has
 * there. An offset beyond its end was given out by a log that has been lost.
 */
export function isComplete(
  after: number,
  { last, first }: { readonly last: number; readonly first: LoggedEvent | undefined },
): boolean {
  if (after > last) return false;
  return (first === undefined ? last : first.previous) <= after;
}

function append(
  partition: number,
  events: readonly UserEvent[],
  { link, isRepeat, claimedBy, windowMs, maxEventsPerUser }: AppendOptions,
): Promise<readonly Reply[]> {
  const keys = [claimsKey(partition)];
  const args: (string | number)[] = [claimedBy ?? "", isRepeat ? 1 : 0, windowMs, maxEventsPerUser];
  for (const event of events) {
    const { state, log } = userKeys(event);
    keys.push(state, log);
    args.push(`${event.id}\n${formatAbout(event)}\n${event.args}`);
  }
  return link.run(PUBLISH, keys, args) as Promise<readonly Reply[]>;
}

/** Whom an event is for, as it is stored beside its arguments: nearly always the clients alone. */
export function formatAbout({ clients, except, kept, ack }: About): string {
  if (ack) return JSON.stringify([clients, except ?? null, kept ?? null, 1]);
  if (kept !== undefined) return JSON.stringify([clients, except ?? null, kept]);
  return JSON.stringify(except === undefined ? clients : [clients, except]);
}

/** Reads what {@link formatAbout} has written. */
export function readAbout(text: string): About {
  const about = JSON.parse(text);
  if (!Array.isArray(about[0])) return { clients: about };
  const [clients, except, kept, ack] = about;
  return {
    clients,
    ...(typeof except === "string" && { except }),
    ...(Array.isArray(kept) && { kept }),
    ...(ack === 1 && { ack: true as const }),
  };
}

/** Reads what the script has made of an event: the offset before it, and the event, in lines. */
function readEntry({ context, user }: UserName, entry: Reply): LoggedEvent {
  const [id, [, text]] = entry as readonly [string, readonly [string, string]];
  const [previous, eventId, about] = text.split("\n", 3) as [string, string, string];
  return {
    id: eventId,
    context,
    user,
    ...readAbout(about),
    args: text.slice(previous.length + eventId.length + about.length + 3),
    offset: Number(id.slice(0, id.indexOf("-"))),
    previous: Number(previous),
  };
}
