/**
 * Which event a client acknowledges. An event that asks for it carries its offset as the id of the
 * Socket.IO packet, so an ACK packet names the offset; so does the event `seen`, with the offset as
 * its only argument, and so do the messages of plain WebSockets and the requests of streams. This
 * finds the event of an offset, first among those that this process sent lately and then in the
 * user's event log. It does not decide what an acknowledgement means.
 */

import { type EventHub, type LoggedEvent, parseOffset, type UserName } from "../core/events.ts";
import { LruCache } from "../core/lru_cache.ts";
import { userKey } from "../core/notification.ts";
import { SocketConnection } from "./_socket_connections.ts";

/** How a client acknowledges: its code received the event, or its user has seen it. */
export type AcknowledgementKind = "delivered" | "seen";

/** What finding events needs. */
interface AcknowledgementsOptions {
  readonly hub: Pick<EventHub, "readMissed">;
  /** Told of each acknowledged event. */
  readonly onAcknowledged: (
    receiver: Receiver,
    event: AcknowledgedEvent,
    kind: AcknowledgementKind,
  ) => void;
}

/** The user and the client that acknowledge. */
interface Receiver extends UserName {
  readonly client: string;
  /** The id of the connection; absent where a request acknowledged. */
  readonly id?: string;
}

/** What a client acknowledges. */
interface Acknowledgement {
  readonly offset: number;
  readonly kind: AcknowledgementKind;
}

/** The notification that an event is of. */
export interface AcknowledgedEvent extends UserName {
  readonly id: string;
}

/** Events of which the ids are kept in memory. */
const MAX_EVENTS = 20_000;
/** Socket.IO's packet types. */
const EVENT = 2;
const ACK = 3;

/** Finds the events that clients acknowledge. */
export class Acknowledgements {
  readonly #options: AcknowledgementsOptions;
  readonly #sent = new LruCache<{ readonly id: string }>(MAX_EVENTS);
  /** Connections for which the log is being read: one read at a time for each. */
  readonly #reading = new WeakSet<SocketConnection>();

  constructor(options: AcknowledgementsOptions) {
    this.#options = options;
  }

  /** Remembers an event that asks for an acknowledgement and is about to be sent. */
  remember(event: LoggedEvent): void {
    this.#sent.set(nameOf(event, event.offset), { id: event.id });
  }

  /** Takes a packet of a socket's client; one function for all sockets. */
  readonly intercept = ({ data }: { readonly data?: unknown }, packet: unknown): boolean =>
    data instanceof SocketConnection && this.#receive(data, packet);

  /** Takes a packet of a client; false where it is no acknowledgement. */
  #receive(connection: SocketConnection, packet: unknown): boolean {
    const { type, id, data } = packet as { type?: unknown; id?: unknown; data?: unknown };
    if (type === ACK) {
      this.fromConnection(connection, { offset: Number(id), kind: "delivered" });
      return true;
    }
    if (type !== EVENT || !Array.isArray(data) || data[0] !== "seen") return false;
    this.fromConnection(connection, { offset: parseOffset(data[1]) ?? NaN, kind: "seen" });
    return true;
  }

  /** Takes what the client of a connection acknowledges. An event that it was not sent is ignored. */
  fromConnection(connection: SocketConnection, acknowledgement: Acknowledgement): void {
    const { offset } = acknowledgement;
    if (!Number.isSafeInteger(offset) || offset <= 0 || offset > connection.cursor) return;
    const known = this.#sent.get(nameOf(connection, offset));
    if (known) this.#found(connection, known.id, acknowledgement.kind);
    else void this.#readOnce(connection, acknowledgement);
  }

  /**
   * Takes what a client acknowledges without a connection; false where the log has no such event.
   *
   * @throws {ServiceError} `store_unavailable`
   */
  async fromRequest(receiver: Receiver, { offset, kind }: Acknowledgement): Promise<boolean> {
    const { events } = await this.#options.hub.readMissed(receiver, offset - 1);
    const [event] = events;
    if (event?.offset !== offset || !event.clients.includes(receiver.client)) return false;
    if (event.ack) this.#found(receiver, event.id, kind);
    return true;
  }

  /** Reads an event that another process sent, or this one long ago. */
  async #readOnce(connection: SocketConnection, acknowledgement: Acknowledgement) {
    if (this.#reading.has(connection)) return;
    this.#reading.add(connection);
    // Where the store is away, the acknowledgement is lost, and a later one may come.
    await this.fromRequest(connection, acknowledgement).catch(() => {});
    this.#reading.delete(connection);
  }

  #found(receiver: Receiver, id: string, kind: AcknowledgementKind): void {
    const { context, user } = receiver;
    this.#options.onAcknowledged(receiver, { id, context, user }, kind);
  }
}

function nameOf({ context, user }: UserName, offset: number): string {
  return `${userKey(context, user)}\u0000${offset}`;
}
