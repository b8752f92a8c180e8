/**
 * Flow control (RFC 9113 §5.2): one window for the connection and one for each stream. It sends
 * request bodies within the peer's windows, keeps what does not fit until the peer enlarges one, and
 * returns the bytes of received bodies to the peer.
 */

import type { FrameWriter } from "./frame_writer.ts";
import { DEFAULT_WINDOW, FRAME, MAX_WINDOW } from "./frames.ts";
import type { PeerSettings } from "./peer_settings.ts";
import { overflow, violation } from "./protocol_error.ts";
import type { Stream } from "./stream.ts";

/** Answers are small; a longer one is cut off before it fills its stream's window. */
const RECEIVE_WINDOW = 16 * 1024 * 1024;

/** The windows of one connection. */
export class FlowControl {
  readonly #output: FrameWriter;
  readonly #peer: PeerSettings;
  /** Streams whose bodies wait for a larger window. */
  readonly #blocked = new Set<Stream>();
  /** Bytes that the peer accepts on the whole connection now. */
  #window = DEFAULT_WINDOW;
  /** Bytes received that no WINDOW_UPDATE has returned yet. */
  #received = 0;

  constructor(output: FrameWriter, peer: PeerSettings) {
    this.#output = output;
    this.#peer = peer;
  }

  /** Tells the peer this side's window for the connection. Follows the SETTINGS. */
  announce(): void {
    this.#output.numbers(FRAME.WINDOW_UPDATE, 0, [RECEIVE_WINDOW - DEFAULT_WINDOW]);
  }

  /** Counts received bytes of bodies, and returns them to the peer half a window at a time. */
  received(bytes: number): void {
    this.#received += bytes;
    if (this.#received < RECEIVE_WINDOW / 2) return;
    this.#output.numbers(FRAME.WINDOW_UPDATE, 0, [this.#received]);
    this.#received = 0;
  }

  /** Writes as much of a body as both windows allow, and keeps the rest. */
  send(stream: Stream, body: Uint8Array): void {
    const window = Math.max(0, Math.min(this.#window, stream.window));
    const { unsent, sent } = this.#output.data(stream.id, body, {
      window,
      maxFrame: this.#peer.frameSize,
    });
    this.#window -= sent;
    stream.window -= sent;
    stream.unsent = unsent;
    if (unsent) this.#blocked.add(stream);
    else this.#blocked.delete(stream);
  }

  /**
   * Enlarges the connection's window and continues the bodies that waited for it.
   *
   * @throws {ProtocolError} for a window that does not grow or grows beyond 2^31-1.
   */
  growWindow(increment: number): void {
    if (increment === 0) throw violation("the peer sent a WINDOW_UPDATE of 0");
    this.#window += increment;
    if (this.#window > MAX_WINDOW) throw overflow();
    this.continueBlocked();
  }

  /** Enlarges a stream's window; false where the increment is invalid. */
  growStreamWindow(stream: Stream, increment: number): boolean {
    if (increment === 0 || stream.window + increment > MAX_WINDOW) return false;
    stream.window += increment;
    if (stream.unsent) this.send(stream, stream.unsent);
    return true;
  }

  /**
   * Changes the windows of open streams after a SETTINGS frame.
   *
   * @throws {ProtocolError} for a window beyond 2^31-1.
   */
  changeStreamWindows(streams: Iterable<Stream>, change: number): void {
    if (change === 0) return;
    for (const stream of streams) {
      stream.window += change;
      if (stream.window > MAX_WINDOW) throw overflow();
    }
  }

  /** Continues all bodies that wait, as far as the windows allow. */
  continueBlocked(): void {
    for (const stream of this.#blocked) {
      if (this.#window <= 0) return;
      this.send(stream, stream.unsent!);
    }
  }

  /** Drops the rest of a body. */
  forget(stream: Stream): void {
    this.#blocked.delete(stream);
  }
}
