/**
 * Decides from a user's presence records which sockets are open, from which offset a connection
 * resumes, and which records remain when a socket joins. A record that is not closed is open only
 * while its node is alive. Pure.
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

type SocketStatus =
  | { readonly is: "open" }
  /** Closed within the window; its client has received everything up to `acknowledged`. */
  | { readonly is: "away"; readonly acknowledged: number }
  | { readonly is: "gone" };

interface JoinedPresence {
  readonly lines: string;
  /** Offset from which the connection resumes, if it is known. */
  readonly acknowledged: number | undefined;
  /** Whether the connection was here, but too long ago to know its offset. */
  readonly wasConnected: boolean;
  /** Whether the user has been present without a break, so that the log is complete. */
  readonly isUnbroken: boolean;
}

/** An event may be delivered so long after it was logged, by the node channel or a busy process. */
const DELIVERY_MS = 5_000;
/** Most records of one user; more than the sockets that a user may have. */
const MAX_RECORDS = 32;

const OPEN: SocketStatus = { is: "open" };
const GONE: SocketStatus = { is: "gone" };

/** Returns the status of a socket. */
export function socketStatusOf(record: PresenceRecord, view: PresenceView): SocketStatus {
  const { now, windowMs, nodes } = view;
  if (record.closed) return away(record.closed.at, record.closed.acknowledged);
  if (nodes.isAlive(record.node)) return OPEN;
  const seenAt = nodes.seenAt(record.node);
  if (seenAt !== undefined) return away(seenAt, acknowledgedBefore(record, seenAt));
  // A node that started a moment ago is not in this node's view yet.
  return now - record.joinedAt < 2 * nodes.leaseMs ? OPEN : GONE;

  function away(since: number, acknowledged: number): SocketStatus {
    return now - since <= windowMs ? { is: "away", acknowledged } : GONE;
  }
}

/** Returns a user's open and recently closed sockets. */
export function presenceOf(
  records: readonly PresenceRecord[],
  view: PresenceView,
): readonly Presence[] {
  const present: Presence[] = [];
  for (const record of records) {
    const { is } = socketStatusOf(record, view);
    const { client, id, socketId } = record;
    if (is !== "gone") present.push({ client, id, socketId, open: is === "open" });
  }
  return present;
}

/** Whether a user has open or recently closed sockets, so that events are logged. */
export function isPresent(records: readonly PresenceRecord[], view: PresenceView): boolean {
  return records.some((record) => socketStatusOf(record, view).is !== "gone");
}

/** Returns the nodes that hold open sockets. */
export function nodesOf(
  records: readonly PresenceRecord[],
  view: PresenceView,
): ReadonlySet<string> {
  const nodes = new Set<string>();
  for (const record of records) {
    if (!nodes.has(record.node) && socketStatusOf(record, view).is === "open") {
      nodes.add(record.node);
    }
  }
  return nodes;
}

/**
 * Adds a joining socket. An open socket with the same id at another node stays: mostly its node has
 * not noticed yet that its connection broke. It may also be the live one, where this handshake was
 * delayed on a paused node. The highest offset that any former socket has acknowledged counts.
 *
 * @param options.acknowledgedFor returns what this node knows of one of its own sockets
 */
export function joinPresence(
  records: readonly PresenceRecord[],
  { socket, view, acknowledgedFor = () => undefined }: {
    readonly socket: SocketPresence;
    readonly view: PresenceView;
    readonly acknowledgedFor?: (socketId: string) => number | undefined;
  },
): JoinedPresence {
  const { now, nodes } = view;
  const former = records.filter(({ id }) => id === socket.id);
  const offsets = former
    .map((each) => resumeOffset(each, { view, known: acknowledgedFor(each.socketId) }))
    .filter((offset) => offset !== undefined);
  const acknowledged = offsets.length > 0 ? Math.max(...offsets) : undefined;
  const others = records.filter((record) => {
    const { is } = socketStatusOf(record, view);
    return record.id === socket.id ? is === "open" && record.node !== nodes.id : is !== "gone";
  });
  const { client, id, socketId, heartbeatMs } = socket;
  const own = { client, id, socketId, heartbeatMs, node: nodes.id, joinedAt: now };
  // A client that resumes has not received the end of the log, nor a `resync` that it is owed.
  const reached = acknowledged ?? socket.received ?? END_OF_LOG;
  const lines = [
    ...limitRecords(others).map(formatPresence),
    formatPresence({ ...own, acknowledged: reached }),
  ];
  return {
    lines: lines.map((line) => `\n${line}`).join(""),
    acknowledged,
    wasConnected: acknowledged === undefined && former.length > 0 && socket.id !== socket.socketId,
    isUnbroken: isPresent(records, view),
  };
}

/** `known` is what this node knows of the former socket, if it is one of its own. */
function resumeOffset(
  former: PresenceRecord,
  { view, known }: { readonly view: PresenceView; readonly known: number | undefined },
): number | undefined {
  const status = socketStatusOf(former, view);
  if (status.is === "away") return status.acknowledged;
  if (status.is === "gone") return undefined;
  if (known !== undefined && known >= 0) return known;
  const { node, acknowledged } = former;
  // A node knows its own sockets, unless it could not write yet that they have closed. What
  // another node has not written, it could not write when it was last seen.
  if (node === view.nodes.id) return acknowledged;
  return acknowledgedBefore(former, view.nodes.seenAt(node) ?? view.now);
}

/** Returns the offset that a client must have received by the time its node was last seen. */
function acknowledgedBefore(
  { joinedAt, heartbeatMs, acknowledged }: PresenceRecord,
  seenAt: number,
): number {
  const at = seenAt - heartbeatMs - DELIVERY_MS;
  // In the first heartbeat interval it also receives what it missed before it joined.
  return at < joinedAt ? acknowledged : Math.max(acknowledged, offsetAt(at));
}

/** Drops records beyond the limit: closed ones first, the oldest before others. */
function limitRecords(records: readonly PresenceRecord[]): readonly PresenceRecord[] {
  const excess = records.length - (MAX_RECORDS - 1);
  if (excess <= 0) return records;
  const byAge = [...records].sort((a, b) => ageRank(a) - ageRank(b));
  const dropped = new Set(byAge.slice(0, excess));
  return records.filter((record) => !dropped.has(record));
}

function ageRank({ closed, joinedAt }: PresenceRecord): number {
  return closed ? closed.at : joinedAt * OFFSETS_PER_MS;
}
