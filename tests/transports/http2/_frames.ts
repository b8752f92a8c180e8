/** Frames as bytes, for tests that play the server. */

import { FLAG, FRAME, FRAME_HEADER_BYTES } from "../../../transports/http2/frames.ts";
import { type Frame, readUint32 } from "../../../transports/http2/frame_reader.ts";

const encoder = new TextEncoder();

/** A frame as a session takes it. */
export function frame(
  type: number,
  stream: number,
  { flags = 0, payload = new Uint8Array() }: { flags?: number; payload?: Uint8Array } = {},
): Frame {
  return { type, flags, stream, payload };
}

/** A frame as it is sent. */
export function bytesOf({ type, flags, stream, payload }: Frame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payload.length << 8 | type);
  bytes[4] = flags;
  view.setUint32(5, stream);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}

/** Parses frames; skips the bytes before the first one. */
export function framesIn(bytes: Uint8Array, skip = 0): Frame[] {
  const frames: Frame[] = [];
  for (let at = skip; at < bytes.length;) {
    const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
    const from = at + FRAME_HEADER_BYTES;
    frames.push({
      type: bytes[at + 3]!,
      flags: bytes[at + 4]!,
      stream: readUint32(bytes, at + 5),
      payload: bytes.slice(from, from + length),
    });
    at = from + length;
  }
  return frames;
}

/** A header block of literals that go into no table. */
export function block(headers: Readonly<Record<string, string>>): Uint8Array {
  const parts = Object.entries(headers).flatMap(([name, value]) => [
    ...[0, name.length, ...encoder.encode(name)],
    ...[value.length, ...encoder.encode(value)],
  ]);
  return Uint8Array.from(parts);
}

/** An answer's head. */
export function headers(
  stream: number,
  status: string,
  { flags = FLAG.END_HEADERS, more = {} }: { flags?: number; more?: Record<string, string> } = {},
): Frame {
  return frame(FRAME.HEADERS, stream, { flags, payload: block({ ":status": status, ...more }) });
}

/** A part of an answer's body. */
export function data(stream: number, text: string, { end = false } = {}): Frame {
  const flags = end ? FLAG.END_STREAM : 0;
  return frame(FRAME.DATA, stream, { flags, payload: encoder.encode(text) });
}

/** SETTINGS. */
export function settings(values: Readonly<Record<number, number>> = {}): Frame {
  const entries = Object.entries(values);
  const payload = new Uint8Array(6 * entries.length);
  const view = new DataView(payload.buffer);
  entries.forEach(([id, value], index) => {
    view.setUint16(6 * index, Number(id));
    view.setUint32(6 * index + 2, value);
  });
  return frame(FRAME.SETTINGS, 0, { payload });
}

/** A frame whose payload is numbers: RST_STREAM, WINDOW_UPDATE, GOAWAY. */
// deno-lint-ignore carillon/max-two-arguments -- in the order in which the frame has them
export function numbers(type: number, stream: number, ...values: number[]): Frame {
  const payload = new Uint8Array(4 * values.length);
  const view = new DataView(payload.buffer);
  values.forEach((value, index) => view.setUint32(4 * index, value));
  return frame(type, stream, { payload });
}

/** GOAWAY. */
export function goaway(lastStream: number, code: number, debug = ""): Frame {
  const { payload } = numbers(FRAME.GOAWAY, 0, lastStream, code);
  return frame(FRAME.GOAWAY, 0, {
    payload: Uint8Array.from([...payload, ...encoder.encode(debug)]),
  });
}
