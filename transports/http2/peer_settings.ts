/** The settings that the peer of a connection has sent (RFC 9113 §6.5.2). */

import { DEFAULT_FRAME_SIZE, DEFAULT_WINDOW, MAX_WINDOW, SETTING } from "./frames.ts";
import { readUint32 } from "./frame_reader.ts";
import { overflow, violation, wrongSize } from "./protocol_error.ts";

const SETTING_BYTES = 6;
const MAX_FRAME_SIZE = 2 ** 24 - 1;

/** The current settings; those that a stateless encoder does not need are left out. */
export class PeerSettings {
  maxStreams = Infinity;
  /** Bytes of data that the peer accepts on a new stream. */
  window = DEFAULT_WINDOW;
  /** The most bytes of a frame's payload. */
  frameSize = DEFAULT_FRAME_SIZE;

  /**
   * Applies a SETTINGS frame.
   *
   * @returns the change of every open stream's window, in bytes.
   * @throws {ProtocolError}
   */
  apply(payload: Uint8Array): number {
    if (payload.length % SETTING_BYTES !== 0) throw wrongSize("SETTINGS");
    const before = this.window;
    for (let at = 0; at < payload.length; at += SETTING_BYTES) {
      this.#set(payload[at]! << 8 | payload[at + 1]!, readUint32(payload, at + 2));
    }
    return this.window - before;
  }

  #set(id: number, value: number): void {
    switch (id) {
      case SETTING.MAX_CONCURRENT_STREAMS:
        this.maxStreams = value;
        return;
      case SETTING.INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) throw overflow();
        this.window = value;
        return;
      case SETTING.MAX_FRAME_SIZE:
        if (value < DEFAULT_FRAME_SIZE || value > MAX_FRAME_SIZE) {
          throw violation("an invalid frame size");
        }
        this.frameSize = value;
        return;
      case SETTING.ENABLE_PUSH:
        if (value !== 0) throw violation("a server must not enable push");
    }
  }
}
