/**
 * Decides from the lines of a user who is there, from where a connection resumes, and what the
 * lines are once a socket has joined. A line without a goodbye says little by itself: whether its
 * socket is open depends on whether its node is there. Pure.
 */

import { offsetAt, OFFSETS_PER_MS, type Presence, type SocketPresence } from "../../core/events.ts";
import { END_OF_LOG, formatPresence, type PresenceRecord } from "./_user_state.ts";
import type { Nodes } from "../nodes/registered_nodes.ts";

/** What the decisions depend on. Times are epoch milliseconds of the servers. */
export interface PresenceView {
  readonly now: number;
  readonly windowMs: number;
  readonly nodes: Pick<Nodes, "id" | "isAlive" | "seenAt" | "leaseMs">;
}

/** How a socket stands. */
type SocketStanding =
  | { readonly is: "open" }
  /** Closed within the window; `from`: up to there its client has everything. */
  | { readonly is: "away"; readonly from: number }
  | { readonly is: "gone" };

/** What comes of a socket that joins. */
interface TakenPresence {
  /** The lines from now on, for the script. */
  readonly seats: string;
  /** Where the connection was before, if it was. */
  readonly from: number | undefined;
  /** Whether a connection of this name was there, though too long ago to say from where it goes on. */
  readonly wasHere: boolean;
  /** Whether the user has been there without a break, so that the log goes on. */
  readonly wasThere: boolean;
}

/** An event may be told so much later than it was logged: from the inbox, or by a busy process. */
const TELLING_MS = 5_000;
/** Lines of one user; more sockets than anybody is allowed. */
const MAX_SEATS = 32;

const OPEN: SocketStanding = { is: "open" };
const GONE: SocketStanding = { is: "gone" };

/** See {@link SocketStanding}. */
export function socketStandingOf(line: PresenceRecord, view: PresenceView): SocketStanding {
  const { now, windowMs, nodes } = view;
  if (line.left) return away(line.left.at, line.left.from);
  if (nodes.isAlive(line.node)) return OPEN;
  const seenAt = nodes.seenAt(line.node);
  if (seenAt !== undefined) return away(seenAt, certainAt(line, seenAt));
  // A node that came a moment ago is not in this node's view yet.
  return now - line.joinedAt < 2 * nodes.leaseMs ? OPEN : GONE;

  function away(since: number, from: number): SocketStanding {
    return now - since <= windowMs ? { is: "away", from } : GONE;
  }
}

/** What is shown of the sockets of a user. */
export function presenceOf(
  lines: readonly PresenceRecord[],
  view: PresenceView,
): readonly Presence[] {
  const present: Presence[] = [];
  for (const line of lines) {
    const { is } = socketStandingOf(line, view);
    const { client, id, socketId } = line;
    if (is !== "gone") present.push({ client, id, socketId, open: is === "open" });
  }
  return present;
}

/** Whether somebody is there, or was so lately that events are logged. */
export function isThere(lines: readonly PresenceRecord[], view: PresenceView): boolean {
  return lines.some((line) => socketStandingOf(line, view).is !== "gone");
}

/** The nodes that hold open sockets. */
export function nodesOf(lines: readonly PresenceRecord[], view: PresenceView): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const line of lines) {
    if (!nodes.has(line.node) && socketStandingOf(line, view).is === "open") nodes.add(line.node);
  }
  return nodes;
}

/**
 * Lets a socket take its seat. Where another node has an open socket of the same id, that one stays
 * as well: mostly its break is not noticed yet, but it may also be the one that lives, and this
 * handshake one that was given up and lay about at a node that was paused. Whatever any of the
 * former sockets says that the client has, it has.
 *
 * @param options.provenOf what this node knows of a socket of its own
 */
export function takePresence(
  lines: readonly PresenceRecord[],
  { seat, view, provenOf = () => undefined }: {
    readonly seat: SocketPresence;
    readonly view: PresenceView;
    readonly provenOf?: (socketId: string) => number | undefined;
  },
): TakenPresence {
  const { now, nodes } = view;
  const former = lines.filter(({ id }) => id === seat.id);
  const acknowledged = former
    .map((former) => resumeFrom(former, { view, acknowledged: provenOf(former.socketId) }))
    .filter((offset) => offset !== undefined);
  const from = acknowledged.length > 0 ? Math.max(...acknowledged) : undefined;
  const others = lines.filter((line) => {
    const { is } = socketStandingOf(line, view);
    return line.id === seat.id ? is === "open" && line.node !== nodes.id : is !== "gone";
  });
  const { client, id, socketId, heartbeatMs } = seat;
  const line = { client, id, socketId, heartbeatMs, node: nodes.id, joinedAt: now };
  const texts = [
    ...bounded(others).map(formatPresence),
    formatPresence({ ...line, floor: from ?? END_OF_LOG }),
  ];
  return {
    seats: texts.map((text) => `\n${text}`).join(""),
    from,
    wasHere: from === undefined && former.length > 0 && seat.id !== seat.socketId,
    wasThere: isThere(lines, view),
  };
}

function resumeFrom(
  former: PresenceRecord,
  { view, acknowledged }: {
    readonly view: PresenceView;
    readonly acknowledged: number | undefined;
  },
): number | undefined {
  const standing = socketStandingOf(former, view);
  if (standing.is === "away") return standing.from;
  if (standing.is === "gone") return undefined;
  if (acknowledged !== undefined && acknowledged >= 0) return acknowledged;
  const { node, floor } = former;
  // Its own sockets a node knows, unless it could not say yet that they have closed; and what
  // another node has not said was not to be said when it was last seen.
  if (node === view.nodes.id) return floor;
  return certainAt(former, view.nodes.seenAt(node) ?? view.now);
}

/** Up to where a client had everything for certain when its node was last heard of. */
function certainAt({ joinedAt, heartbeatMs, floor }: PresenceRecord, seenAt: number): number {
  const at = seenAt - heartbeatMs - TELLING_MS;
  // What it is told within the first beat includes what it missed before it joined.
  return at < joinedAt ? floor : Math.max(floor, offsetAt(at));
}

/** Those that have left give way first, the oldest of them before the others. */
function bounded(lines: readonly PresenceRecord[]): readonly PresenceRecord[] {
  const excess = lines.length - (MAX_SEATS - 1);
  if (excess <= 0) return lines;
  const byAge = [...lines].sort((a, b) => ageRank(a) - ageRank(b));
  const dropped = new Set(byAge.slice(0, excess));
  return lines.filter((line) => !dropped.has(line));
}

function ageRank({ left, joinedAt }: PresenceRecord): number {
  return left ? left.at : joinedAt * OFFSETS_PER_MS;
}
