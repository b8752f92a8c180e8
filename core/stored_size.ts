/**
 * How many bytes a value takes in a store, which serialises values as V8 does (the structured clone
 * format). Needs no store.
 */

import { serialize } from "node:v8";

/** The format's version header, and a number, length or tag at its longest. */
const HEADER = 4;
const NUMBER = 10;

/**
 * Returns an upper bound of the stored size in bytes of JSON-like data, texts and byte arrays,
 * quickly. A text counts two bytes a character, because V8 may hold even plain ASCII in its
 * two-byte form.
 */
export function estimateBytes(value: unknown): number {
  return HEADER + estimate(value);
}

/** Returns the exact stored size in bytes of any value that can be cloned. Slow: it serialises. */
export function serializedBytes(value: unknown): number {
  return value instanceof Uint8Array ? value.byteLength : serialize(value).byteLength;
}

function estimate(value: unknown): number {
  switch (typeof value) {
    case "string":
      return NUMBER + 2 * value.length;
    case "object":
      break;
    default:
      return NUMBER;
  }
  if (value === null) return 1;
  if (value instanceof Uint8Array) return 5 * NUMBER + value.byteLength;
  // Start and end of the container, with its two lengths.
  let bytes = 3 * NUMBER;
  if (Array.isArray(value)) {
    for (const item of value) bytes += estimate(item);
    return bytes;
  }
  for (const key in value) {
    bytes += NUMBER + 2 * key.length + estimate((value as Record<string, unknown>)[key]);
  }
  return bytes;
}
