/**
 * The state of a user in Redis, besides the log: one text of lines, which is a third smaller than a
 * hash. The first line has the end of the log and the offset at which the log was last trimmed, 16
 * digits each. Each further line is a socket. The state exists for as long as the user is present.
 * The scripts use the same format.
 */

import { type SocketPresence, type UserName } from "../../core/events.ts";
import { userKey } from "../../core/notification.ts";
import { LruCache } from "../../core/lru_cache.ts";
import { keyIn, partitionOf, partitionTag } from "../keys.ts";

/** One socket as Redis knows it. Times are epoch milliseconds of the servers. */
export interface PresenceRecord {
  readonly id: string;
  readonly node: string;
  readonly client: string;
  readonly socketId: string;
  readonly joinedAt: number;
  readonly heartbeatMs: number;
  /** Offset up to which the client had received everything when the socket joined. */
  readonly acknowledged: number;
  /** Present where the socket has closed: when, and the acknowledged offset at that time. */
  readonly closed?: { readonly at: number; readonly acknowledged: number };
}

interface RedisUserState {
  readonly last: number;
  readonly presences: readonly PresenceRecord[];
}

/** Returns the keys of a user. */
export function userKeys(
  { context, user }: UserName,
): { readonly state: string; readonly log: string; readonly pastConnections: string } {
  const tag = partitionTag(partitionOf(context, user));
  const name = userKey(context, user);
  return {
    state: keyIn(tag, "user", name),
    log: keyIn(tag, "log", name),
    pastConnections: keyIn(tag, "visits", name),
  };
}

/** Reads a state; `undefined` for an empty text. */
export function parseState(
  text: string,
  readPresences = parsePresences,
): RedisUserState | undefined {
  if (text === "") return undefined;
  const lines = text.indexOf("\n");
  return {
    last: Number(text.slice(0, text.indexOf(" "))),
    presences: lines < 0 ? NONE : readPresences(text.slice(lines)),
  };
}

/** Number of cached texts. The text of a user changes when a socket joins or closes. */
const CACHED_TEXTS = 10_000;
const NONE: readonly PresenceRecord[] = [];

/** Returns a reader of lines with a cache: the lines of a user are read twice for each event. */
export function createPresenceReader(maxTexts = CACHED_TEXTS): typeof parsePresences {
  const cache = new LruCache<readonly PresenceRecord[]>(maxTexts);
  return (text) => {
    if (text === "") return NONE;
    const cached = cache.get(text);
    if (cached) return cached;
    const records = parsePresences(text);
    cache.set(text, records);
    return records;
  };
}

/** Reads the lines after the first one. */
export function parsePresences(text: string): readonly PresenceRecord[] {
  if (text === "") return NONE;
  return text.slice(1).split("\n").map((line) => {
    const [
      id,
      node,
      client,
      socketId,
      joinedAt,
      heartbeatMs,
      acknowledged,
      ,
      at,
      closedAcknowledged,
    ] = line.split(" ");
    return {
      id: decode(id),
      node: decode(node),
      client: decode(client),
      socketId: decode(socketId),
      joinedAt: Number(joinedAt),
      heartbeatMs: Number(heartbeatMs),
      acknowledged: Number(acknowledged),
      ...(at !== undefined &&
        { closed: { at: Number(at), acknowledged: Number(closedAcknowledged) } }),
    };
  });
}

/** Returns the line of a socket, without the line break before it. */
export function formatPresence(
  { id, node, client, socketId, joinedAt, heartbeatMs, acknowledged, closed }:
    & Omit<PresenceRecord, "acknowledged">
    & {
      readonly acknowledged: number | typeof END_OF_LOG;
    },
): string {
  const names = [id, node, client, socketId].map(encode);
  const line = [...names, Math.floor(joinedAt), Math.ceil(heartbeatMs), acknowledged].join(" ");
  return closed === undefined ? line : `${line} left ${closed.at} ${closed.acknowledged}`;
}

/** In place of an acknowledged offset: the script puts the end of the log there. */
export const END_OF_LOG = "@";

/** Returns the name by which scripts find the line of a socket. */
export function socketNameOf({ socketId }: Pick<SocketPresence, "socketId">): string {
  return encode(socketId);
}

/** Removes spaces, line breaks and `@` from a client's names. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function decode(text = ""): string {
  return text.includes("%") ? decodeURIComponent(text) : text;
}
