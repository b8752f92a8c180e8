/** Splits the bytes of a connection into frames, without copying complete ones. */

import { DEFAULT_FRAME_SIZE, ERROR, FRAME_HEADER_BYTES } from "./frames.ts";
import { ProtocolError } from "./protocol_error.ts";

/** One frame (RFC 9113 §4.1). */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  /** Valid until the next call of {@link FrameReader.room}. */
  readonly payload: Uint8Array;
}

const BUFFER_BYTES = 64 * 1024;

/** A buffer that takes received bytes and yields frames. */
export class FrameReader {
  readonly #bytes = new Uint8Array(BUFFER_BYTES);
  #start = 0;
  #end = 0;

  /** The free part of the buffer. Never empty, because a frame is shorter than the buffer. */
  room(): Uint8Array<ArrayBuffer> {
    if (this.#start > 0) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return this.#bytes.subarray(this.#end);
  }

  /** Reports how many bytes were read into {@link room}. */
  filled(count: number): void {
    this.#end += count;
  }

  /**
   * Returns the next complete frame.
   *
   * @throws {ProtocolError} for a frame that is longer than allowed.
   */
  next(): Frame | undefined {
    const bytes = this.#bytes;
    const at = this.#start;
    if (this.#end - at < FRAME_HEADER_BYTES) return undefined;
    const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    if (length > DEFAULT_FRAME_SIZE) {
      throw new ProtocolError(ERROR.FRAME_SIZE_ERROR, "a frame is too long");
    }
    const from = at + FRAME_HEADER_BYTES;
    if (this.#end < from + length) return undefined;
    this.#start = from + length;
    return {
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      stream: readUint32(bytes, at + 5) & 0x7fffffff,
      payload: bytes.subarray(from, from + length),
    };
  }
}

/** Reads an unsigned 32-bit integer. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24 | bytes[at + 1]! << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
}
