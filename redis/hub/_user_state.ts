/**
 * What Redis keeps of a user beside the log itself, as one text of lines, which is a third smaller
 * than a hash: where the log ends, and when its time to live was last renewed, 16 digits each; then
 * a line for each socket. It is there for as long as the user is. Scripts read and change it by the
 * same format.
 */

import { type SocketPresence, type UserName } from "../../core/events.ts";
import { userKey } from "../../core/notification.ts";
import { LruCache } from "../../core/lru_cache.ts";
import { keyIn, partitionOf, partitionTag } from "../keys.ts";

/** One socket, as the nodes know it. Times are epoch milliseconds of the servers. */
export interface PresenceRecord {
  readonly id: string;
  readonly node: string;
  readonly client: string;
  readonly socketId: string;
  readonly joinedAt: number;
  readonly heartbeatMs: number;
  /** Offset up to which its client had everything when it joined. */
  readonly floor: number;
  /** It has closed: when, and up to where its client had everything then. */
  readonly left?: { readonly at: number; readonly from: number };
}

/** A user's text. */
interface RedisUserState {
  /** Where the log ends. */
  readonly last: number;
  readonly presences: readonly PresenceRecord[];
}

/** The keys of one user. */
export function userKeys(
  { context, user }: UserName,
): { readonly state: string; readonly log: string; readonly visits: string } {
  const tag = partitionTag(partitionOf(context, user));
  const name = userKey(context, user);
  return {
    state: keyIn(tag, "user", name),
    log: keyIn(tag, "log", name),
    visits: keyIn(tag, "visits", name),
  };
}

/** Reads a text; `undefined` where nothing is kept. */
export function parseState(text: string, readSeats = parsePresences): RedisUserState | undefined {
  if (text === "") return undefined;
  const lines = text.indexOf("\n");
  return {
    last: Number(text.slice(0, text.indexOf(" "))),
    presences: lines < 0 ? NONE : readSeats(text.slice(lines)),
  };
}

/** Texts whose lines are remembered; a user's change when a socket comes or goes. */
const REMEMBERED = 10_000;
const NONE: readonly PresenceRecord[] = [];

/** Reads lines, and remembers what it has read: those of one user are read twice for each event. */
export function createPresenceReader(remembered = REMEMBERED): typeof parsePresences {
  const recent = new LruCache<readonly PresenceRecord[]>(remembered);
  return (text) => {
    if (text === "") return NONE;
    const known = recent.get(text);
    if (known) return known;
    const lines = parsePresences(text);
    recent.set(text, lines);
    return lines;
  };
}

/** Reads the lines behind the first. */
export function parsePresences(text: string): readonly PresenceRecord[] {
  if (text === "") return NONE;
  return text.slice(1).split("\n").map((line) => {
    const [id, node, client, socketId, joinedAt, heartbeatMs, floor, , at, from] = line.split(" ");
    return {
      id: decode(id),
      node: decode(node),
      client: decode(client),
      socketId: decode(socketId),
      joinedAt: Number(joinedAt),
      heartbeatMs: Number(heartbeatMs),
      floor: Number(floor),
      ...(at !== undefined && { left: { at: Number(at), from: Number(from) } }),
    };
  });
}

/** The line of a socket, without the break before it. */
export function formatPresence(
  { id, node, client, socketId, joinedAt, heartbeatMs, floor, left }:
    & Omit<PresenceRecord, "floor">
    & {
      readonly floor: number | typeof END_OF_LOG;
    },
): string {
  const names = [id, node, client, socketId].map(encode);
  const line = [...names, Math.floor(joinedAt), Math.ceil(heartbeatMs), floor].join(" ");
  return left === undefined ? line : `${line} left ${left.at} ${left.from}`;
}

/** In place of a floor: the script puts the end of the log there. */
export const END_OF_LOG = "@";

/** By which scripts find the line of a socket. */
export function userNameOf({ socketId }: Pick<SocketPresence, "socketId">): string {
  return encode(socketId);
}

/** Without spaces, line breaks and `@`, whatever a client calls itself. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

function decode(text = ""): string {
  return text.includes("%") ? decodeURIComponent(text) : text;
}
