/**
 * What is sent to a user's sockets, and the log that it is kept in for a while, so that a client
 * that was away for a moment gets what it missed. One log per user; all of a user's sockets, on
 * whatever node, walk through the same one.
 */

/** Names one user. */
export interface UserName {
  readonly context: string;
  readonly user: string;
}

/** Something that a user's sockets are to be told. */
export interface UserEvent extends UserName {
  /** Of the notification. An event with an id that the log has already is not logged twice. */
  readonly id: string;
  /** Whose sockets are told; those of other clients of the user walk past it. */
  readonly clients: readonly string[];
  /** The event's name and its arguments as JSON, without the brackets around them. */
  readonly args: string;
  /** Connection id or Socket.IO id of the socket that caused it, which is not told. */
  readonly except?: string;
  /** The sockets are asked to acknowledge it. */
  readonly ack?: true;
  /**
   * Those of the clients that had no open socket to be told when it was published. Absent where
   * there were none, which is nearly always.
   */
  readonly kept?: readonly string[];
}

/**
 * An event with its place in the user's log. An offset is `epoch milliseconds × 1024 + n`, a safe
 * integer; it rises from event to event, also where clocks do not.
 */
export interface LoggedEvent extends UserEvent {
  readonly offset: number;
  /** Offset of the event before it in this log, or 0: what tells a gap from an idle hour. */
  readonly previous: number;
}

/** Offsets per millisecond. */
export const OFFSETS_PER_MS = 1024;

/** The first offset of a moment. */
export function offsetAt(epochMs: number): number {
  return Math.floor(epochMs) * OFFSETS_PER_MS;
}

/** Sixteen digits, so that offsets sort as text: what clients see. */
export function formatOffset(offset: number): string {
  return String(offset).padStart(16, "0");
}

/** Reads what a client sent back; `undefined` where it is no offset. */
export function parseOffset(text: unknown): number | undefined {
  return typeof text === "string" && /^\d{16}$/.test(text) ? Number(text) : undefined;
}

/** One socket of a user, as presence knows it. */
export interface SocketPresence extends UserName {
  readonly client: string;
  /** What the client calls its connection; the Socket.IO id where it does not say. */
  readonly id: string;
  readonly socketId: string;
  /**
   * Milliseconds: whatever a socket was told longer ago than this has arrived, or the socket is as
   * good as closed. Says where a client may have been when its node was last seen.
   */
  readonly heartbeatMs: number;
}

/** One of this process's open sockets. */
export interface LocalSocket extends SocketPresence, Presence {
  /** Offset up to which it was told; negative until its `join` has resolved. */
  readonly cursor: number;
  /**
   * Offset up to which its client has certainly got everything: what it had been told when it was
   * sent something that it has answered since. At most `cursor`.
   */
  readonly acknowledged: number;
}

/** What a socket learns when it takes its seat. */
export interface JoinResult {
  /**
   * Where the user's log ends; where nothing is known of the user, the present moment. Everything
   * later is told.
   */
  readonly last: number;
  /**
   * Where the connection of this id was before: up to here it has certainly got everything.
   * Absent where it was not known, or is too long ago.
   */
  readonly acknowledged?: number;
  /**
   * The connection of this id was here in the last day, and where it goes on is not known any more:
   * something may be missing. Only of connections that their clients have named.
   */
  readonly wasConnected?: true;
}

/** A part of a user's log. */
export interface MissedEvents {
  readonly events: readonly LoggedEvent[];
  /**
   * False where something that was sent to the user after the given offset may be missing: it is
   * not in the log any more, was never logged because nobody was there, or the offset is none of
   * this log's. The events are then what is left, each following the one before it.
   */
  readonly complete: boolean;
}

/** One of a user's sockets, seen from anywhere. */
export interface Presence {
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  /** Open now; otherwise it closed so short a while ago that its client may resume. */
  readonly open: boolean;
}

/** The sockets of this process, as a hub sees them; a hub keeps none of its own. */
export interface LocalSockets {
  /** Tells those of the user's sockets here that have not been told yet. */
  deliver(event: LoggedEvent): void;
  /** Every open socket, those whose `join` is under way included. */
  sockets(): Iterable<LocalSocket>;
  /** Those of one user. */
  socketsOf(user: UserName): readonly LocalSocket[];
  /** Something may have been missed: the user's sockets here look into the log. */
  recover(user: UserName): void;
}

/**
 * Who is connected, on all nodes; what they were sent lately; and the way to them.
 *
 * A user is there while a socket of theirs is open, or has closed within the window of time that
 * the log goes back. Events are logged for those who are there, and nothing is forgotten between:
 * so `missed` is complete for an offset that was reached since the user has been there without a
 * break, unless what came after it has grown too old or too many.
 *
 * Whatever returns a promise may reject with `ServiceError` `store_unavailable`.
 */
export interface EventHub extends AsyncDisposable {
  /**
   * Begins to tell the sockets of this process what is published anywhere. None may be let in, and
   * nothing published, before it has resolved.
   */
  start(local: LocalSockets): Promise<void>;
  /** The sockets of each of these users, in the order of the users. */
  presence(
    users: readonly UserName[],
  ): readonly (readonly Presence[])[] | Promise<readonly (readonly Presence[])[]>;
  /**
   * Appends events to the logs of their users, in order, and tells the sockets. Resolves when they
   * are in the logs; returns the ids of those that are not this node's to deliver any more.
   *
   * @param options.again some of them may have been published before: those keep their place
   */
  publish(
    events: readonly UserEvent[],
    options: { readonly isRepeat: boolean },
  ): Promise<ReadonlySet<string>>;
  /**
   * A socket is being let in, and is among the local seats already. From then on it is told of
   * everything after `last`. Where it rejects, the seat may be taken or not: `leave` follows.
   */
  join(seat: SocketPresence): JoinResult | Promise<JoinResult>;
  /**
   * A socket has closed. Takes effect in the order of the calls, and only on this very seat, not on
   * that of another socket of the same id.
   *
   * @param seat as it was last
   * @param proven see {@link LocalSocket.acknowledged}; absent: its client is not coming back
   */
  leave(seat: LocalSocket, acknowledged?: number): void;
  /** What the user's log has after an offset. */
  readMissed(user: UserName, after: number): MissedEvents | Promise<MissedEvents>;
  /** Hands over: this node's seats count as left from now on, each with what is proven for it. */
  stop(): Promise<void>;
}
