/**
 * Decides from the lines of a user who is there, from where a connection resumes, and what the
 * lines are once a socket has joined. A line without a goodbye says little by itself: whether its
 * socket is open depends on whether its node is there. Pure.
 */

import { offsetAt, OFFSETS_PER_MS, type Presence, type Seat } from "../../core/events.ts";
import { END_OF_LOG, formatSeat, type SeatLine } from "./_user_state.ts";
import type { Nodes } from "../nodes.ts";

/** What the decisions depend on. Times are epoch milliseconds of the servers. */
export interface View {
  readonly now: number;
  readonly windowMs: number;
  readonly nodes: Pick<Nodes, "id" | "isAlive" | "seenAt" | "leaseMs">;
}

/** How a socket stands. */
export type Standing =
  | { readonly is: "open" }
  /** Closed within the window; `from`: up to there its client has everything. */
  | { readonly is: "away"; readonly from: number }
  | { readonly is: "gone" };

/** What comes of a socket that joins. */
export interface Taken {
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

const OPEN: Standing = { is: "open" };
const GONE: Standing = { is: "gone" };

/** See {@link Standing}. */
export function standingOf(line: SeatLine, view: View): Standing {
  const { now, windowMs, nodes } = view;
  if (line.left) return away(line.left.at, line.left.from);
  if (nodes.isAlive(line.node)) return OPEN;
  const seenAt = nodes.seenAt(line.node);
  if (seenAt !== undefined) return away(seenAt, certainAt(line, seenAt));
  // A node that came a moment ago is not in this node's view yet.
  return now - line.joinedAt < 2 * nodes.leaseMs ? OPEN : GONE;

  function away(since: number, from: number): Standing {
    return now - since <= windowMs ? { is: "away", from } : GONE;
  }
}

/** What is shown of the sockets of a user. */
export function presenceOf(lines: readonly SeatLine[], view: View): readonly Presence[] {
  const present: Presence[] = [];
  for (const line of lines) {
    const { is } = standingOf(line, view);
    const { client, id, socketId } = line;
    if (is !== "gone") present.push({ client, id, socketId, open: is === "open" });
  }
  return present;
}

/** Whether somebody is there, or was so lately that events are logged. */
export function isThere(lines: readonly SeatLine[], view: View): boolean {
  return lines.some((line) => standingOf(line, view).is !== "gone");
}

/** The nodes that hold open sockets. */
export function nodesOf(lines: readonly SeatLine[], view: View): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const line of lines) {
    if (!nodes.has(line.node) && standingOf(line, view).is === "open") nodes.add(line.node);
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
export function takeSeat(
  lines: readonly SeatLine[],
  { seat, view, provenOf = () => undefined }: {
    readonly seat: Seat;
    readonly view: View;
    readonly provenOf?: (socketId: string) => number | undefined;
  },
): Taken {
  const { now, nodes } = view;
  const former = lines.filter(({ id }) => id === seat.id);
  const proven = former
    .map((former) => resumeFrom(former, { view, proven: provenOf(former.socketId) }))
    .filter((offset) => offset !== undefined);
  const from = proven.length > 0 ? Math.max(...proven) : undefined;
  const others = lines.filter((line) => {
    const { is } = standingOf(line, view);
    return line.id === seat.id ? is === "open" && line.node !== nodes.id : is !== "gone";
  });
  const { client, id, socketId, beatMs } = seat;
  const line = { client, id, socketId, beatMs, node: nodes.id, joinedAt: now };
  const texts = [
    ...bounded(others).map(formatSeat),
    formatSeat({ ...line, floor: from ?? END_OF_LOG }),
  ];
  return {
    seats: texts.map((text) => `\n${text}`).join(""),
    from,
    wasHere: from === undefined && former.length > 0 && seat.id !== seat.socketId,
    wasThere: isThere(lines, view),
  };
}

function resumeFrom(
  former: SeatLine,
  { view, proven }: { readonly view: View; readonly proven: number | undefined },
): number | undefined {
  const standing = standingOf(former, view);
  if (standing.is === "away") return standing.from;
  if (standing.is === "gone") return undefined;
  if (proven !== undefined && proven >= 0) return proven;
  const { node, floor } = former;
  // Its own sockets a node knows, unless it could not say yet that they have closed; and what
  // another node has not said was not to be said when it was last seen.
  if (node === view.nodes.id) return floor;
  return certainAt(former, view.nodes.seenAt(node) ?? view.now);
}

/** Up to where a client had everything for certain when its node was last heard of. */
function certainAt({ joinedAt, beatMs, floor }: SeatLine, seenAt: number): number {
  const at = seenAt - beatMs - TELLING_MS;
  // What it is told within the first beat includes what it missed before it joined.
  return at < joinedAt ? floor : Math.max(floor, offsetAt(at));
}

/** Those that have left give way first, the oldest of them before the others. */
function bounded(lines: readonly SeatLine[]): readonly SeatLine[] {
  const excess = lines.length - (MAX_SEATS - 1);
  if (excess <= 0) return lines;
  const byAge = [...lines].sort((a, b) => ageRank(a) - ageRank(b));
  const dropped = new Set(byAge.slice(0, excess));
  return lines.filter((line) => !dropped.has(line));
}

function ageRank({ left, joinedAt }: SeatLine): number {
  return left ? left.at : joinedAt * OFFSETS_PER_MS;
}
