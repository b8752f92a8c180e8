/** Cutting texts to a number of bytes where a reader would: between whole characters. */

const ELLIPSIS = "…";
const ELLIPSIS_BYTES = 3;
const encoder = new TextEncoder();
const characters = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Bytes of a text in UTF-8. */
export function byteLength(text: string): number {
  // Most payloads are checked once and fit; encoding is still the fastest exact count.
  return encoder.encode(text).length;
}

/**
 * A text of at most `maxBytes` bytes of UTF-8: itself where it fits, else as many whole characters
 * (grapheme clusters) as fit together with a closing `…`, or nothing where not even that does.
 */
export function shortenText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || byteLength(text) <= maxBytes) return text;
  let room = maxBytes - ELLIPSIS_BYTES;
  if (room < 0) return "";
  let end = 0;
  // A unit of UTF-16 is at least a byte: nothing beyond `maxBytes` of them can be kept.
  for (const { segment, index } of characters.segment(text.slice(0, maxBytes))) {
    room -= byteLength(segment);
    if (room < 0) break;
    end = index + segment.length;
  }
  return text.slice(0, end).trimEnd() + ELLIPSIS;
}
