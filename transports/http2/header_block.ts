/** Joins the HEADERS and CONTINUATION frames of a header block (RFC 9113 §4.3). */

import { Buffer } from "node:buffer";
import { FLAG } from "./frames.ts";
import type { Frame } from "./frame_reader.ts";
import { excessive, violation, wrongSize } from "./protocol_error.ts";

/** A complete header block. */
export interface HeaderBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly bytes: Uint8Array;
}

const MAX_BYTES = 64 * 1024;
/** The deprecated stream dependency in a HEADERS frame. */
const PRIORITY_BYTES = 5;

/** Collects the frames of one block at a time. */
export class HeaderBlockReader {
  #stream = 0;
  #endStream = false;
  #parts: Uint8Array[] | undefined;
  #length = 0;

  /** Whether the block is incomplete, so that only CONTINUATION may follow. */
  get isIncomplete(): boolean {
    return this.#parts !== undefined;
  }

  /** Takes a HEADERS frame; returns the block if it is complete. */
  begin(frame: Frame): HeaderBlock | undefined {
    const { flags, stream } = frame;
    let bytes = unpadded(frame);
    if ((flags & FLAG.PRIORITY) !== 0) {
      if (bytes.length < PRIORITY_BYTES) throw wrongSize("HEADERS");
      bytes = bytes.subarray(PRIORITY_BYTES);
    }
    const endStream = (flags & FLAG.END_STREAM) !== 0;
    if ((flags & FLAG.END_HEADERS) !== 0) return { stream, endStream, bytes };
    this.#stream = stream;
    this.#endStream = endStream;
    this.#parts = [bytes.slice()];
    this.#length = bytes.length;
    return undefined;
  }

  /** Takes a CONTINUATION frame; returns the block after the last one. */
  continue({ flags, stream, payload }: Frame): HeaderBlock | undefined {
    const parts = this.#parts;
    if (!parts || this.#stream !== stream) throw violation("CONTINUATION without HEADERS");
    parts.push(payload.slice());
    // An empty frame counts as well, so that their number is bounded.
    this.#length += payload.length + 1;
    if (this.#length > MAX_BYTES) throw excessive("a header block is too long");
    if ((flags & FLAG.END_HEADERS) === 0) return undefined;
    this.#parts = undefined;
    return { stream, endStream: this.#endStream, bytes: Buffer.concat(parts) };
  }
}

/** Returns the payload of a HEADERS or DATA frame without padding. */
export function unpadded({ flags, payload }: Frame): Uint8Array {
  if ((flags & FLAG.PADDED) === 0) return payload;
  const padding = payload[0] ?? 0;
  if (padding >= payload.length) throw violation("more padding than payload");
  return payload.subarray(1, payload.length - padding);
}
