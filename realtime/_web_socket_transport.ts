/**
 * An Engine.IO transport over one of Deno's own WebSockets. Deno takes whatever it is given and
 * never pushes back, so the transport is writable for as long as it is open, and whoever writes
 * looks at `backlogBytes` first.
 */

import { Buffer } from "node:buffer";
import { Transport } from "engine.io";
import type { ClosingSockets } from "./_closing_sockets.ts";

/** A decoded or yet to be encoded Engine.IO packet. */
export interface Packet {
  readonly type: string;
  readonly data?: string | Uint8Array;
}

/** The engine socket that a transport serves. It is called directly: listeners cost memory. */
export interface TransportOwner {
  readonly protocol: 3 | 4;
  onPacket(packet: Packet): void;
  /** A pong in revision 4: the most frequent packet of clients, told without decoding it. */
  onPong(): void;
  onError(error: Error): void;
  onClose(reason: string): void;
  onDrain(): void;
}

type Encode = (
  packet: Packet,
  supportsBinary: boolean,
  send: (data: string | Uint8Array<ArrayBuffer>) => void,
) => void;

const PONG = "3";
const PARSE_ERROR: Packet = { type: "error", data: "parser error" };

/** Close codes of RFC 6455 §7.4.1. */
const MESSAGE_TOO_BIG = 1009;

/** Characters that may be written before the WebSocket is asked what it still holds. */
const ASK_AFTER = 4096;

/** One WebSocket, as Engine.IO wants to see it. */
export class WebSocketTransport extends Transport {
  /** Absent while the transport is being probed; then events tell the official code. */
  owner: TransportOwner | undefined;
  /** Called when the WebSocket itself is gone, which may be long after the transport. */
  onGone: (() => void) | undefined;
  readonly #socket: WebSocket;
  readonly #maxPayload: number;
  readonly #closing: ClosingSockets;
  /** Characters written since the WebSocket was last found empty. */
  #unasked = 0;

  /** `socket` must be open. */
  constructor(
    request: { readonly _query: Readonly<Record<string, string>> },
    socket: WebSocket,
    { maxPayload, closing }: { readonly maxPayload: number; readonly closing: ClosingSockets },
  ) {
    super(request);
    this.#socket = socket;
    this.#maxPayload = maxPayload;
    this.#closing = closing;
    this.writable = true;
    // Made anew by whoever listens; mostly nobody does.
    Object.assign(this, { _events: undefined });
    // The transport is its own listener, which spares closures. An error is followed by a close.
    socket.addEventListener("message", this);
    socket.addEventListener("close", this);
  }

  override get name(): string {
    return "websocket";
  }

  get handlesUpgrades(): boolean {
    return true;
  }

  /**
   * Bytes handed over that the peer has not taken, or 0 where it was handed so little lately that
   * asking the WebSocket is not worth what it costs for every event.
   */
  get backlogBytes(): number {
    if (this.#unasked < ASK_AFTER) return 0;
    const waiting = this.#socket.bufferedAmount;
    if (waiting === 0) this.#unasked = 0;
    return waiting;
  }

  get isGone(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  /** Sends an encoded packet at once. */
  write(text: string): void {
    this.#unasked += text.length;
    this.#socket.send(text);
  }

  override send(packets: Packet[]): void {
    const encode = this.parser.encodePacket as unknown as Encode;
    for (const packet of packets) {
      encode(packet, this.supportsBinary, (data) => {
        this.#unasked += data.length;
        this.#socket.send(data);
      });
    }
    if (this.owner) this.owner.onDrain();
    else this.emit("drain");
  }

  override doClose(done?: () => void): void {
    this.#closing.close(this.#socket);
    done?.();
  }

  /** Called by the WebSocket, which may close twice. */
  handleEvent(event: Event): void {
    if (event.type === "close") {
      this.#closing.gone(this.#socket);
      this.onGone?.();
    }
    if (this.readyState === "closed") return;
    if (event.type === "message") this.#onMessage((event as MessageEvent).data);
    else this.onClose();
  }

  protected override onPacket(packet: Packet): void {
    if (this.owner) this.owner.onPacket(packet);
    else this.emit("packet", packet);
  }

  protected override onClose(): void {
    this.readyState = "closed";
    if (this.owner) this.owner.onClose("transport close");
    else this.emit("close");
  }

  #onMessage(data: string | ArrayBuffer): void {
    if (data === PONG && this.owner?.protocol === 4) return this.owner.onPong();
    if (isLongerThan(data, this.#maxPayload)) {
      this.#closing.close(this.#socket, MESSAGE_TOO_BIG);
      return this.#fail(new Error("message too large"));
    }
    this.onPacket(this.#decode(data));
  }

  #decode(data: string | ArrayBuffer): Packet {
    try {
      const packet: Packet = this.parser.decodePacket(
        typeof data === "string" ? data : Buffer.from(data),
      );
      // The parser of revision 3 knows no error for the type of a binary packet.
      return packet.type === undefined ? PARSE_ERROR : packet;
    } catch {
      return PARSE_ERROR;
    }
  }

  #fail(error: Error): void {
    if (this.owner) this.owner.onError(error);
    else this.onError(error.message);
  }
}

/** Whether a message is longer than a number of bytes, without encoding short ones. */
function isLongerThan(data: string | ArrayBuffer, bytes: number): boolean {
  if (typeof data !== "string") return data.byteLength > bytes;
  if (data.length * 3 <= bytes) return false;
  return data.length > bytes || Buffer.byteLength(data) > bytes;
}
