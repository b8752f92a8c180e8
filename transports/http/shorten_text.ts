/** Shortens texts to a number of bytes, between whole characters. */

const ELLIPSIS = "…";
const ELLIPSIS_BYTES = 3;
const encoder = new TextEncoder();
const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Returns the length of a text in UTF-8. */
export function byteLength(text: string): number {
  // Most payloads are checked once and fit; encoding is the fastest exact count.
  return encoder.encode(text).length;
}

/**
 * Shortens a text to at most `maxBytes` bytes of UTF-8: as many whole characters (grapheme
 * clusters) as fit with a closing `…`, or an empty text.
 */
export function shortenText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || byteLength(text) <= maxBytes) return text;
  let room = maxBytes - ELLIPSIS_BYTES;
  if (room < 0) return "";
  let end = 0;
  // A UTF-16 unit takes at least one byte, so nothing beyond `maxBytes` units can fit.
  for (const { segment, index } of characters.segment(text.slice(0, maxBytes))) {
    room -= byteLength(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() + ELLIPSIS;
}
