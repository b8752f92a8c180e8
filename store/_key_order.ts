/**
 * Encodes keys as texts that sort as Deno KV sorts the keys: part by part, strings before numbers,
 * strings by their UTF-8 bytes, numbers by value. Each character stands for one byte, so the length
 * of the text is also about what the key takes in a commit.
 */

import type { ListRange, StoreKey } from "../core/store.ts";

const STRING = "\x01";
const NUMBER = "\x02";
/** Ends a string part. Followed by {@link ESCAPED}, it stands for a NUL within the part. */
const END = "\x00";
const ESCAPED = "\xff";
// deno-lint-ignore no-control-regex -- NUL alone needs the slow path
const ASCII = /^[\x01-\x7f]*$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const float = new DataView(new ArrayBuffer(8));

/** Returns the text of a key. Two keys are equal exactly when their texts are. */
export function encodeKey(key: StoreKey): string {
  let text = "";
  for (const part of key) {
    text += typeof part === "string"
      ? STRING + encodeString(part) + END
      : NUMBER + encodeNumber(part);
  }
  return text;
}

/** Returns the key of a text from {@link encodeKey}. */
export function decodeKey(text: string): StoreKey {
  const key: (string | number)[] = [];
  for (let at = 0; at < text.length;) {
    if (text[at] === NUMBER) {
      key.push(decodeNumber(text, at + 1));
      at += 9;
      continue;
    }
    let end = text.indexOf(END, at);
    while (text[end + 1] === ESCAPED) end = text.indexOf(END, end + 1);
    key.push(decodeString(text.slice(at + 1, end)));
    at = end + 1;
  }
  return key;
}

/** Returns the bounds of a range as texts, the lower one inclusive, the upper one exclusive. */
export function encodeRange({ prefix, start, end }: ListRange): { lower: string; upper: string } {
  const text = encodeKey(prefix);
  return {
    lower: start === undefined ? `${text}\x00` : encodeKey(start),
    upper: end === undefined ? `${text}\xff` : encodeKey(end),
  };
}

function encodeString(part: string): string {
  if (ASCII.test(part)) return part;
  let text = "";
  for (const byte of encoder.encode(part)) {
    text += byte === 0 ? END + ESCAPED : String.fromCharCode(byte);
  }
  return text;
}

/** Big-endian with the sign bit flipped (of negatives, all bits), so that bytes sort as values. */
function encodeNumber(part: number): string {
  float.setFloat64(0, part);
  const negative = float.getUint8(0) >= 0x80;
  let text = "";
  for (let index = 0; index < 8; index++) {
    const byte = float.getUint8(index);
    text += String.fromCharCode(negative ? byte ^ 0xff : index === 0 ? byte ^ 0x80 : byte);
  }
  return text;
}

function decodeString(text: string): string {
  if (ASCII.test(text)) return text;
  const bytes = Uint8Array.from(text.replaceAll(END + ESCAPED, END), (char) => char.charCodeAt(0));
  return decoder.decode(bytes);
}

function decodeNumber(text: string, from: number): number {
  const negative = text.charCodeAt(from) < 0x80;
  for (let index = 0; index < 8; index++) {
    const byte = text.charCodeAt(from + index);
    float.setUint8(index, negative ? byte ^ 0xff : index === 0 ? byte ^ 0x80 : byte);
  }
  return float.getFloat64(0);
}
