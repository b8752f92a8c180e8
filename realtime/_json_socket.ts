/**
 * A connection over a plain WebSocket with JSON messages. A silent peer gets WebSocket pings, which
 * every client library answers, and without an answer the connection is closed. The runtime does so
 * for its own WebSockets; for those of a listener it is done here.
 */

import { parseOffset } from "../core/events.ts";
import { parseJsonObject } from "../core/json.ts";
import type { AcknowledgementKind } from "./_acknowledgements.ts";
import type { ClosingSockets } from "./_closing_sockets.ts";
import type { ConnectionPort } from "./_connection_port.ts";
import type { Heartbeats, HeartbeatTarget } from "./_heartbeats.ts";
import type { SocketConnection } from "./_socket_connections.ts";
import type { PeerEvent, PeerSocket } from "./port.ts";

/** Options of {@link JsonSocket}. */
interface JsonSocketOptions {
  readonly socket: PeerSocket;
  readonly pingMs: number;
  readonly timeoutMs: number;
  /** Bytes of the largest message that is accepted. */
  readonly maxMessageBytes: number;
  readonly owner: JsonSocketOwner;
}

/** What all plain WebSockets share, so that one needs no closures of its own. */
interface JsonSocketOwner {
  readonly closing: ClosingSockets;
  readonly heartbeats: Heartbeats;
  /** An admitted connection has closed. */
  readonly onClosed: (connection: SocketConnection) => void;
  /** A client has received the event at an offset, or its user has seen it. */
  readonly onAcknowledged: (
    connection: SocketConnection,
    acknowledgement: { readonly offset: number; readonly kind: AcknowledgementKind },
  ) => void;
}

/** Browsers show pages no WebSocket pings, so a page may ask by itself whether the service is there. */
const PING = '{"type":"ping"}';
const PONG = '{"type":"pong"}';
/** What the messages of a client say of an event, by their type. */
const ACKNOWLEDGEMENTS: ReadonlyMap<unknown, AcknowledgementKind> = new Map([
  ["ack", "delivered"],
  ["seen", "seen"],
]);
/** Longer messages are none of these. */
const MAX_ACKNOWLEDGEMENT_LENGTH = 256;
/** Characters that are sent before the WebSocket is asked what it still holds. */
const ASK_AFTER = 4096;
/** Close codes of RFC 6455 §7.4.1. */
const MESSAGE_TOO_BIG = 1009;

/** One plain WebSocket. */
export class JsonSocket implements ConnectionPort, HeartbeatTarget {
  readonly protocol = "json";
  readonly pingMs: number;
  readonly timeoutMs: number;
  readyState: ConnectionPort["readyState"] = "open";
  closeReason: string | undefined = undefined;
  heartbeatAt = 0;
  /** Set on admission. */
  connection: SocketConnection | undefined = undefined;
  readonly #socket: PeerSocket;
  readonly #maxMessageBytes: number;
  readonly #owner: JsonSocketOwner;
  /** Characters sent since the WebSocket was last found empty. */
  #unasked = 0;
  #awaitsPong = false;
  #onGone: (() => void) | undefined = undefined;

  /** `socket` must be open. */
  constructor({ socket, pingMs, timeoutMs, maxMessageBytes, owner }: JsonSocketOptions) {
    this.#socket = socket;
    this.pingMs = pingMs;
    this.timeoutMs = timeoutMs;
    this.#maxMessageBytes = maxMessageBytes;
    this.#owner = owner;
    // The connection is its own listener, which spares closures. An error is followed by a close.
    this.#socket.addEventListener("message", this);
    this.#socket.addEventListener("close", this);
    if (!socket.ping) return;
    this.#heard();
    owner.heartbeats.add(this);
  }

  get backlogBytes(): number {
    if (this.#unasked < ASK_AFTER) return 0;
    const waiting = this.#socket.bufferedAmount;
    if (waiting === 0) this.#unasked = 0;
    return waiting;
  }

  sendText(frame: string): void {
    if (this.readyState !== "open") return;
    this.#unasked += frame.length;
    this.#socket.send(frame);
  }

  /** Pings a peer that has been silent, or gives it up. */
  heartbeat(): void {
    if (this.#awaitsPong) this.#socket.terminate?.();
    else this.#socket.ping?.();
    this.#heard();
    this.#awaitsPong = true;
  }

  /** The client says how far it got when it reconnects, so there is nothing to ask. */
  pingSoon(): void {}

  close(): void {
    this.#owner.closing.close(this.#socket);
    this.onClose("forced close");
  }

  /** Closes the connection with a code of RFC 6455. */
  closeWith(code: number, reason: string): void {
    this.#owner.closing.close(this.#socket, code);
    this.onClose(reason);
  }

  drop(): void {
    this.#owner.closing.close(this.#socket);
    this.onClose("backlog");
  }

  whenGone(run: () => void): void {
    if (this.#socket.readyState === WebSocket.CLOSED) run();
    else this.#onGone = run;
  }

  onClose(reason: string): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.closeReason = reason;
    this.#owner.heartbeats.remove(this);
    if (this.connection) this.#owner.onClosed(this.connection);
  }

  /** Called by the WebSocket, which may close twice. */
  handleEvent({ type, data }: PeerEvent): void {
    this.#heard();
    if (type === "message") return this.#onMessage(data as string | ArrayBuffer);
    if (type !== "close") return;
    this.#owner.closing.gone(this.#socket);
    const run = this.#onGone;
    this.#onGone = undefined;
    run?.();
    this.onClose("transport close");
  }

  /** The peer is there. */
  #heard(): void {
    this.#awaitsPong = false;
    this.heartbeatAt = this.#owner.heartbeats.now() + this.pingMs;
  }

  #onMessage(data: string | ArrayBuffer): void {
    if (this.readyState !== "open") return;
    const length = typeof data === "string" ? data.length : data.byteLength;
    if (length > this.#maxMessageBytes) this.closeWith(MESSAGE_TOO_BIG, "message too large");
    else if (data === PING) {
      if (this.backlogBytes === 0) this.sendText(PONG);
    } else if (typeof data === "string" && length <= MAX_ACKNOWLEDGEMENT_LENGTH) {
      const { type, offset } = parseJsonObject(data) ?? {};
      const kind = ACKNOWLEDGEMENTS.get(type);
      const acknowledged = kind && parseOffset(offset);
      if (acknowledged !== undefined && this.connection) {
        this.#owner.onAcknowledged(this.connection, { offset: acknowledged, kind: kind! });
      }
    }
  }
}
