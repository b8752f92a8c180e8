/**
 * WebSockets over the connections of Node's `http`: an idle one takes less memory than the runtime's
 * own. The package `ws` does the protocol; what is sent most, a text, is written here in one piece.
 * See `docs/decisions/idle_streams.md`.
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { PeerListener, PeerSocket, TakenHandshake } from "../realtime/mod.ts";

/** The members of the official class that are used here. Its types do not allow to override them. */
interface OfficialWebSocket {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(data: string | Uint8Array): void;
  ping(): void;
  pong(data: Uint8Array): void;
  close(code?: number): void;
  terminate(): void;
}

const Official = WebSocket as unknown as new (...given: readonly unknown[]) => OfficialWebSocket;

const OPEN = 1;
/** RFC 6455 §4.2.1: 16 bytes in base64. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;
const VERSION = "13";
/** A peer that sends pings and reads no answer gets no more of them (RFC 6455 §5.5.3 allows it). */
const MAX_BYTES_BEFORE_PONG = 4096;

/** Opens WebSockets on connections that have asked for one. */
export class NodeWebSockets {
  readonly #server = new WebSocketServer({
    ...{ noServer: true, clientTracking: false, perMessageDeflate: false, autoPong: false },
    // None is spoken here, so none is chosen.
    handleProtocols: () => false as const,
    WebSocket: NodeWebSocket as never,
  });

  /** Opens one; ends the connection where its peer has gone. */
  open(
    incoming: IncomingMessage,
    { connection, head, taken }: {
      readonly connection: Duplex;
      /** What the peer has sent after the handshake. */
      readonly head: Buffer;
      readonly taken: TakenHandshake;
    },
  ): void {
    // Read at each handshake. Messages up to the limit are measured again by their owner.
    this.#server.options.maxPayload = taken.maxMessageBytes;
    this.#server.handleUpgrade(incoming, connection, head, (opened) => {
      const socket = opened as unknown as NodeWebSocket;
      socket.connection = connection;
      taken.onOpen(socket);
    });
  }
}

/** Whether a request is a WebSocket handshake with all that RFC 6455 §4.2.1 asks for. */
export function isHandshake({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.toLowerCase() === "websocket" &&
    KEY.test(headers["sec-websocket-key"] ?? "") && headers["sec-websocket-version"] === VERSION;
}

/**
 * One WebSocket. It calls its listener directly, so that it keeps no closures, and tells a broken
 * frame as the end of the connection, as the runtime's own does.
 */
class NodeWebSocket extends Official implements PeerSocket {
  connection: Duplex | undefined = undefined;
  #listener: PeerListener | undefined = undefined;

  addEventListener(_type: string, listener: PeerListener): void {
    this.#listener = listener;
  }

  override send(data: string | Uint8Array): void {
    if (this.readyState !== OPEN) return;
    if (typeof data === "string") writeText(this.connection!, data);
    else super.send(data);
  }

  /** Called by the official class, which has no other listeners. */
  emit(type: string, data?: Buffer, isBinary?: boolean): boolean {
    if (type === "message") {
      this.#listener?.handleEvent({ type, data: isBinary ? data : data!.toString() });
    } else if (type === "ping") {
      if (this.bufferedAmount <= MAX_BYTES_BEFORE_PONG) this.pong(data!);
    } else if (type === "pong") this.#listener?.handleEvent({ type });
    else if (type === "error" || type === "close") this.#listener?.handleEvent({ type: "close" });
    return true;
  }
}

/** Writes a text as one frame (RFC 6455 §5.2), which a server does not mask. */
function writeText(connection: Duplex, text: string): void {
  const bytes = Buffer.byteLength(text);
  const head = headOf(bytes);
  // ASCII needs no transcoding.
  if (bytes === text.length) connection.write(head + text, "latin1");
  else connection.write(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(text)]));
}

const FINAL_TEXT = "\x81";

/** The head of a frame with a byte in each character. */
function headOf(bytes: number): string {
  if (bytes < 126) return FINAL_TEXT + String.fromCharCode(bytes);
  if (bytes < 65_536) {
    return FINAL_TEXT + String.fromCharCode(126, bytes >>> 8, bytes & 0xff);
  }
  const high = Math.floor(bytes / 2 ** 32);
  return FINAL_TEXT + String.fromCharCode(127, ...bytesOf(high), ...bytesOf(bytes >>> 0));
}

function bytesOf(word: number): readonly number[] {
  return [word >>> 24, (word >>> 16) & 0xff, (word >>> 8) & 0xff, word & 0xff];
}
