/**
 * Sends request bodies within the peer's flow control (RFC 9113 §5.2): one window for the connection
 * and one for each stream. It keeps what does not fit until the peer enlarges a window.
 */

import type { FrameWriter } from "./frame_writer.ts";
import { DEFAULT_WINDOW, MAX_WINDOW } from "./frames.ts";
import type { PeerSettings } from "./peer_settings.ts";
import { overflow, violation } from "./protocol_error.ts";
import type { Stream } from "./stream.ts";

/** Writes the bodies of one connection's requests. */
export class BodySender {
  readonly #output: FrameWriter;
  readonly #peer: PeerSettings;
  /** Streams whose bodies wait for a larger window. */
  readonly #blocked = new Set<Stream>();
  /** Bytes that the peer accepts on the whole connection now. */
  #window = DEFAULT_WINDOW;

  constructor(output: FrameWriter, peer: PeerSettings) {
    this.#output = output;
    this.#peer = peer;
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
