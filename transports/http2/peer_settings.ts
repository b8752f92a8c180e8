/** What the far side of a connection allows (RFC 9113 §6.5.2). */

import { DEFAULT_FRAME_SIZE, DEFAULT_WINDOW, MAX_WINDOW, SETTING } from "./frames.ts";
import { readUint32 } from "./frame_reader.ts";
import { broken, overflow, wrongSize } from "./protocol_error.ts";

const SETTING_BYTES = 6;
const MAX_FRAME_SIZE = 2 ** 24 - 1;

/** Its settings so far. Those that a stateless encoder need not know are not kept. */
export class PeerSettings {
  /** Streams at once. */
  maxStreams = Infinity;
  /** Bytes of data that it takes on a new stream. */
  window = DEFAULT_WINDOW;
  /** Bytes of a frame's payload. */
  frameSize = DEFAULT_FRAME_SIZE;

  /**
   * Takes a SETTINGS frame.
   *
   * @returns by how much the window of every open stream changes.
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
          throw broken("a size of no frame");
        }
        this.frameSize = value;
        return;
      case SETTING.ENABLE_PUSH:
        if (value !== 0) throw broken("a server that allows push");
    }
  }
}
