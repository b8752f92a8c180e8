/**
 * Writes a stream of server-sent events into a response of Node's `http` as its peer takes it. The
 * head of the response is written by Node's `http`, the chunks after it (RFC 9112 §7.1) go straight to
 * the connection, which is cheaper.
 */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { StreamSink, StreamSource } from "../realtime/mod.ts";

/** One stream and the response that it goes to. */
export class StreamOutlet implements StreamSink {
  readonly #response: ServerResponse;
  readonly #stream: StreamSource;
  /** The connection, from when the head of the response is written. */
  #socket: Socket | undefined;
  #hasEnded = false;

  constructor(response: ServerResponse, stream: StreamSource) {
    this.#response = response;
    this.#stream = stream;
    response.once("close", () => stream.cancel());
    stream.start(this);
  }

  /** Starts after the head of the response. */
  begin(): void {
    const { socket } = this.#response;
    // The peer has gone, or has sent this request behind another one that is a stream.
    if (!socket) {
      this.#response.req.socket.destroy();
      return this.#stream.cancel();
    }
    this.#socket = socket;
    if (this.#hasEnded) return this.close();
    this.#response.flushHeaders();
    this.#stream.pull();
  }

  write(text: string): void {
    const socket = this.#socket!;
    const bytes = Buffer.byteLength(text);
    // For HTTP/1.0 the end of the connection is that of the stream.
    const chunk = this.#response.chunkedEncoding ? `${bytes.toString(16)}\r\n${text}\r\n` : text;
    // ASCII needs no transcoding.
    const hasRoom = socket.write(chunk, bytes === text.length ? "latin1" : "utf8");
    if (hasRoom) this.#stream.pull();
    else socket.once("drain", () => this.#stream.pull());
  }

  /** Called by the stream. A peer that takes nothing would never take the end. */
  close(): void {
    this.#hasEnded = true;
    if (!this.#socket) return;
    if (this.#socket.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }
}
