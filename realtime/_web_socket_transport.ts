/**
 * An Engine.IO transport over one WebSocket, which accepts everything it is given and exerts no
 * back-pressure. The transport is therefore writable for as long as it is open, and callers check
 * `backlogBytes` before they write.
 */

import { Buffer } from "node:buffer";
import { Transport } from "engine.io";
import type { ClosingSockets } from "./_closing_sockets.ts";
import type { PeerEvent, PeerSocket } from "./port.ts";

/** An Engine.IO packet before encoding or after decoding. */
export interface Packet {
  readonly type: string;
  readonly data?: string | Uint8Array;
}

/**
 * The engine socket of a transport. The transport calls it directly, because listeners cost memory.
 */
export interface TransportOwner {
  readonly protocol: 3 | 4;
  onPacket(packet: Packet): void;
  /** Handles a pong of revision 4 without decoding it: clients send no packet more often. */
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

/** The runtime's WebSockets give the one, those of a listener may give the other. */
type MessageBytes = ArrayBuffer | Uint8Array<ArrayBuffer>;

const PONG = "3";
const PARSE_ERROR: Packet = { type: "error", data: "parser error" };

/** Close codes of RFC 6455 §7.4.1. */
const MESSAGE_TOO_BIG = 1009;

/** Characters that may be written before `bufferedAmount` is read. */
const MEASURE_AFTER_CHARS = 4096;

/** One WebSocket as an Engine.IO transport. */
export class WebSocketTransport extends Transport {
  /** Absent while the transport is probed; the official code then listens to events. */
  owner: TransportOwner | undefined;
  /** Called when the WebSocket itself has closed, which may be long after the transport. */
  onGone: (() => void) | undefined;
  readonly #socket: PeerSocket;
  readonly #maxPayload: number;
  readonly #closing: ClosingSockets;
  /** Characters written since `bufferedAmount` was last 0. */
  #unmeasuredChars = 0;

  /** `socket` must be open. */
  constructor(
    request: { readonly _query: Readonly<Record<string, string>> },
    socket: PeerSocket,
    { maxPayload, closing }: { readonly maxPayload: number; readonly closing: ClosingSockets },
  ) {
    super(request);
    this.#socket = socket;
    this.#maxPayload = maxPayload;
    this.#closing = closing;
    this.writable = true;
    // Node's emitter creates it again when a listener is added, which is rare.
    Object.assign(this, { _events: undefined });
    // The transport is its own listener, which saves closures. A close follows every error.
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
   * Bytes that the peer has not taken. 0 after a few writes, because reading `bufferedAmount` for
   * every event would cost too much.
   */
  get backlogBytes(): number {
    if (this.#unmeasuredChars < MEASURE_AFTER_CHARS) return 0;
    const waiting = this.#socket.bufferedAmount;
    if (waiting === 0) this.#unmeasuredChars = 0;
    return waiting;
  }

  get isGone(): boolean {
    return this.#socket.readyState === WebSocket.CLOSED;
  }

  /** Sends an encoded packet. */
  write(text: string): void {
    this.#unmeasuredChars += text.length;
    this.#socket.send(text);
  }

  override send(packets: Packet[]): void {
    const encode = this.parser.encodePacket as unknown as Encode;
    for (const packet of packets) {
      encode(packet, this.supportsBinary, (data) => {
        this.#unmeasuredChars += data.length;
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

  /** The WebSocket calls this, possibly twice for a close. */
  handleEvent({ type, data }: PeerEvent): void {
    if (type === "close") {
      this.#closing.gone(this.#socket);
      this.onGone?.();
    }
    if (this.readyState === "closed") return;
    if (type === "message") this.#onMessage(data as string | MessageBytes);
    else if (type === "close") this.onClose();
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

  #onMessage(data: string | MessageBytes): void {
    if (data === PONG && this.owner?.protocol === 4) return this.owner.onPong();
    if (isLongerThan(data, this.#maxPayload)) {
      this.#closing.close(this.#socket, MESSAGE_TOO_BIG);
      return this.#fail(new Error("message too large"));
    }
    this.onPacket(this.#decode(data));
  }

  #decode(data: string | MessageBytes): Packet {
    try {
      const packet: Packet = this.parser.decodePacket(
        typeof data === "string" ? data : Buffer.from(data as ArrayBuffer),
      );
      // For a binary packet of unknown type the parser of revision 3 returns no error.
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

/** Whether a message is longer than a number of bytes. Short ones are not encoded to find out. */
function isLongerThan(data: string | MessageBytes, bytes: number): boolean {
  if (typeof data !== "string") return data.byteLength > bytes;
  if (data.length * 3 <= bytes) return false;
  return data.length > bytes || Buffer.byteLength(data) > bytes;
}
