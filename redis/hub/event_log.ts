/**
 * The event logs: one Redis Stream per user, whose ids are the offsets. Appending and reading take
 * one script call per partition. The answer of an append says which nodes hold sockets of the user.
 */

import type { LoggedEvent, MissedEvents, UserEvent, UserName } from "../../core/events.ts";
import { formatAudience, parseEntry } from "./_event_codec.ts";
import { APPEND_EVENTS, READ_MISSED } from "./_scripts.ts";
import { isPresent, nodesOf, type PresenceView } from "./_presence_records.ts";
import { type parsePresences, parseState, type PresenceRecord, userKeys } from "./_user_state.ts";
import { claimsKey, groupByPartition, segmentsKey } from "../keys.ts";
import type { RedisLink, Reply } from "../link.ts";

/** Limits of the logs. */
export interface HubSettings {
  /** Milliseconds that events stay in a log. */
  readonly windowMs: number;
  readonly maxEventsPerUser: number;
}

interface AppendOptions extends HubSettings {
  readonly link: RedisLink;
  /** Whether events may be in the log already. Those keep their offset. */
  readonly isRepeat: boolean;
  /** Only notifications that this node has claimed are appended; absent: all. */
  readonly claimedBy: string | undefined;
  readonly segmentNameOf: (id: string) => string | undefined;
  readonly readPresences: typeof parsePresences;
  /** Takes appended events, a part at a time and in order. Awaited before the whole resolves. */
  readonly onAppended: (events: readonly Appended[]) => Promise<void>;
}

/** An event with its offset, and the user's sockets at that time. */
export interface Appended {
  readonly event: LoggedEvent;
  readonly presences: readonly PresenceRecord[];
}

const EVENTS_PER_CALL = 256;
/** Fewer, because the script searches the logs of their users. */
const EVENTS_PER_CALL_REPEATED = 16;

/**
 * Appends events to the logs of their users. Resolves to the ids of those that another node has
 * claimed.
 *
 * @throws {ServiceError} `store_unavailable`; some may have been appended all the same
 */
export async function appendEvents(
  events: readonly UserEvent[],
  options: AppendOptions,
): Promise<ReadonlySet<string>> {
  const size = options.isRepeat ? EVENTS_PER_CALL_REPEATED : EVENTS_PER_CALL;
  const foreign = new Set<string>();
  const parts = await Promise.allSettled(
    groupByPartition(events, size).map(async ({ partition, items }) => {
      const reply = await append(partition, items, options);
      const appended: Appended[] = [];
      for (const [index, event] of items.entries()) {
        const [offset, previous, sockets] = reply.slice(index * 3, index * 3 + 3);
        if (offset === 0) foreign.add(event.id);
        else {
          appended.push({
            event: { ...event, offset: Number(offset), previous: Number(previous) },
            presences: options.readPresences(String(sockets)),
          });
        }
      }
      await options.onAppended(appended);
    }),
  );
  for (const part of parts) if (part.status === "rejected") throw part.reason;
  return foreign;
}

/** Reads what a user's log has after an offset. */
export async function readMissedEvents(
  user: UserName,
  after: number,
  { link, view }: { readonly link: RedisLink; readonly view: () => PresenceView },
): Promise<MissedEvents> {
  const { state, log } = userKeys(user);
  // Ids of streams are integers of 0 or more.
  const start = Math.max(0, Math.floor(after)) + 1;
  const reply = await link.run(READ_MISSED, [state, log], [start]);
  const [text, entries] = reply as readonly [string, readonly Reply[]];
  const events = entries.map((entry) => parseEntry(user, entry));
  const userState = parseState(text);
  if (userState === undefined || !isPresent(userState.presences, view())) {
    return { events, complete: false };
  }
  return { events, complete: isComplete(after, { last: userState.last, first: events[0] }) };
}

/** Groups events by the nodes that hold open sockets of their users. */
export function groupByNode(
  appended: readonly Appended[],
  view: PresenceView,
): ReadonlyMap<string, readonly LoggedEvent[]> {
  const nodes = new Map<string, LoggedEvent[]>();
  for (const { event, presences } of appended) {
    for (const node of nodesOf(presences, view)) {
      nodes.getOrInsertComputed(node, () => []).push(event);
    }
  }
  return nodes;
}

/**
 * Whether a log has everything after an offset, given the log's end and its first event after the
 * offset. An offset beyond the end belongs to a log that was lost.
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
  { link, isRepeat, claimedBy, segmentNameOf, windowMs, maxEventsPerUser }: AppendOptions,
): Promise<readonly Reply[]> {
  const keys = [claimsKey(partition), segmentsKey(partition)];
  const texts: string[] = [];
  const segments: { readonly name: string; count: number }[] = [];
  for (const event of events) {
    const { state, log } = userKeys(event);
    keys.push(state, log);
    texts.push(`${event.id}\n${formatAudience(event)}\n${event.args}`);
    const name = segmentNameOf(event.id) ?? "-";
    const last = segments.at(-1);
    if (last?.name === name) last.count++;
    else segments.push({ name, count: 1 });
  }
  const named = segments.map(({ name, count }) => `${name} ${count}`).join(" ");
  const args = [claimedBy ?? "", isRepeat ? 1 : 0, windowMs, maxEventsPerUser, named, ...texts];
  return link.run(APPEND_EVENTS, keys, args) as Promise<readonly Reply[]>;
}
