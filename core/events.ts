/**
 * The port to the event hub: presence, the event log of each user, and the fan-out to sockets on all
 * nodes. Events stay in the log for a while, so that a client that reconnects receives what it
 * missed. A user has one log, which all of the user's sockets read on whichever node they are.
 */

/** Names one user. */
export interface UserName {
  readonly context: string;
  readonly user: string;
}

/** An event to deliver to a user's sockets. */
export interface UserEvent extends UserName {
  /** The notification's id. An id that the log already contains is not logged twice. */
  readonly id: string;
  /** The clients whose sockets receive it; sockets of other clients skip it. */
  readonly clients: readonly string[];
  /** The event's name and its arguments as JSON, without the brackets around them. */
  readonly args: string;
  /** Connection id or Socket.IO id of the socket that caused it, which does not receive it. */
  readonly except?: string;
  /** The sockets are asked to acknowledge it. */
  readonly ack?: true;
  /** A newer event with the same key replaces this one where a client shows it. */
  readonly collapseKey?: string;
  /**
   * Those of the clients that had no open socket when it was published. Absent where there were none,
   * which is nearly always.
   */
  readonly kept?: readonly string[];
  /** W3C trace context; only of what is traced, and not kept in the log. */
  readonly traceparent?: string;
}

/**
 * An event with its position in the user's log. An offset is `epoch milliseconds × 1024 + n`, a safe
 * integer. Offsets increase from event to event even if a clock goes back.
 */
export interface LoggedEvent extends UserEvent {
  readonly offset: number;
  /** Offset of the previous event in this log, or 0; a socket detects gaps by it. */
  readonly previous: number;
}

/** Offsets per millisecond. */
export const OFFSETS_PER_MS = 1024;

/** Returns the first offset of a millisecond. */
export function offsetAt(epochMs: number): number {
  return Math.floor(epochMs) * OFFSETS_PER_MS;
}

/** Formats an offset as clients see it: sixteen digits, so that offsets sort as text. */
export function formatOffset(offset: number): string {
  return String(offset).padStart(16, "0");
}

/** Parses an offset that a client sent; undefined where it is malformed. */
export function parseOffset(text: unknown): number | undefined {
  return typeof text === "string" && /^\d{16}$/.test(text) ? Number(text) : undefined;
}

/** One socket of a user in the presence of all nodes. */
export interface SocketPresence extends UserName {
  readonly client: string;
  /** The connection id that the client chose; the Socket.IO id where it chose none. */
  readonly id: string;
  readonly socketId: string;
  /**
   * Milliseconds after which an event sent to the socket has arrived, or the socket counts as closed.
   * When a node dies, the offset that its sockets had certainly reached is computed from it.
   */
  readonly heartbeatMs: number;
  /** Offset up to which the client says, as it resumes, that it has received everything. */
  readonly received?: number | undefined;
}

/** An open socket of this process. */
export interface LocalSocket extends SocketPresence, Presence {
  /** Offset up to which events were sent to it; negative until its `join` has resolved. */
  readonly cursor: number;
  /**
   * Offset up to which its client has acknowledged all events: the cursor at the time of the last
   * packet that the client has answered. At most `cursor`.
   */
  readonly acknowledged: number;
}

/** The position in the user's log at which a socket joins. */
export interface JoinResult {
  /**
   * The end of the user's log; the current time where the user has no log. Every later event is
   * delivered to the socket.
   */
  readonly last: number;
  /**
   * The offset that the previous socket of this connection id had acknowledged. Absent where it is
   * unknown or too old.
   */
  readonly acknowledged?: number;
  /**
   * Set where this connection id was open within the last day but its position is no longer known, so
   * that events may be missing. Only for connection ids that clients chose.
   */
  readonly wasConnected?: true;
}

/** A part of a user's log. */
export interface MissedEvents {
  readonly events: readonly LoggedEvent[];
  /**
   * False where an event after the given offset may be missing: it has expired, it was never logged
   * because no client was present, or the offset is not of this log. The events are then those that
   * are left, without a gap between them.
   */
  readonly complete: boolean;
}

/** One socket of a user on any node. */
export interface Presence {
  readonly client: string;
  readonly id: string;
  readonly socketId: string;
  /** False where it closed so recently that its client may still resume. */
  readonly open: boolean;
}

/** The sockets of this process, which the realtime server gives to the hub. */
export interface LocalSockets {
  /** Delivers an event to those of the user's sockets here that have not received it. */
  deliver(event: LoggedEvent): void;
  /** Returns every open socket, including those whose `join` is pending. */
  sockets(): Iterable<LocalSocket>;
  socketsOf(user: UserName): readonly LocalSocket[];
  /** Makes the user's sockets here read the log, because an event may have been missed. */
  recover(user: UserName): void;
}

/**
 * Presence, event logs and fan-out, over all nodes.
 *
 * A user is present while a socket of theirs is open or has closed within the window of the log.
 * Events are logged for users who are present. `readMissed` is therefore complete for an offset that
 * was reached since the user has been present without interruption, unless later events have expired
 * or exceed the log's limit.
 *
 * Every method that returns a promise may reject with `ServiceError` `store_unavailable`.
 */
export interface EventHub extends AsyncDisposable {
  /**
   * Starts to deliver to the sockets of this process. No socket may join and nothing may be published
   * before it has resolved.
   */
  start(local: LocalSockets): Promise<void>;
  /** Returns the sockets of each of these users, in the order of the users. */
  presence(
    users: readonly UserName[],
  ): readonly (readonly Presence[])[] | Promise<readonly (readonly Presence[])[]>;
  /**
   * Appends events to the logs of their users, in order, and delivers them to the sockets. Resolves
   * when they are in the logs, with the ids of those that another node has taken over.
   *
   * @param options.isClaimed false: the events are no notifications of the buffer, so no node's claim
   * of them is checked
   * @param options.isRepeat whether some may have been published before; those keep their offsets
   */
  publish(
    events: readonly UserEvent[],
    options: { readonly isRepeat: boolean; readonly isClaimed?: boolean },
  ): Promise<ReadonlySet<string>>;
  /**
   * Adds a socket to the presence. The socket is already among the local sockets and receives every
   * event after `last`. Where it rejects, the socket may have been added: the caller calls `leave`.
   */
  join(socket: SocketPresence): JoinResult | Promise<JoinResult>;
  /**
   * Removes a closed socket from the presence. Calls take effect in order, and never on another
   * socket of the same connection id.
   *
   * @param socket its last state
   * @param acknowledged see {@link LocalSocket.acknowledged}; absent where its client will not return
   */
  leave(socket: LocalSocket, acknowledged?: number): void;
  /** Returns the events of a user's log after an offset. */
  readMissed(user: UserName, after: number): MissedEvents | Promise<MissedEvents>;
  /** Removes this node's sockets from the presence, each with its acknowledged offset. */
  stop(): Promise<void>;
}
