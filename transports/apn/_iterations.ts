/**
 * Sums the password iterations that a PKCS#12 keystore asks for, from its structure, before
 * anything is hashed: a count of a billion would block the process. It does not see into encrypted
 * parts.
 */

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const CONSTRUCTED = 0x20;
const MAX_DEPTH = 32;

interface Element {
  readonly tag: number;
  readonly start: number;
  /** The offset after the content. */
  readonly end: number;
  readonly next: number;
}

/**
 * Returns the sum of all counts. Each is an INTEGER after the OCTET STRING of a salt, in the MAC
 * (RFC 7292 §4), in the parameters of PKCS#12's own ciphers (§C) and in those of PBKDF2 (RFC 8018
 * §A.2).
 */
export function iterationsOf(bytes: Uint8Array): number {
  let sum = 0;
  const pending: (readonly [start: number, end: number, depth: number])[] = [[0, bytes.length, 0]];
  for (let range; (range = pending.pop());) {
    const [start, end, depth] = range;
    let before = 0;
    for (let at = start; at < end;) {
      const element = elementAt(bytes, { at, end });
      if (!element) break;
      const { tag } = element;
      if (tag === INTEGER && before === OCTET_STRING) sum += numberIn(bytes, element);
      // Parts of a keystore are OCTET STRINGs that contain further elements.
      if (((tag & CONSTRUCTED) !== 0 || tag === OCTET_STRING) && depth < MAX_DEPTH) {
        pending.push([element.start, element.end, depth + 1]);
      }
      before = tag;
      at = element.next;
    }
  }
  return sum;
}

function elementAt(
  bytes: Uint8Array,
  { at, end }: { readonly at: number; readonly end: number },
): Element | undefined {
  const tag = bytes[at]!;
  const first = bytes[at + 1];
  if (first === undefined) return undefined;
  let start = at + 2;
  // Indefinite length (X.690 §8.1.3.6): take everything up to the end; the two zeros that end it
  // are an element as well.
  if (first === 0x80) return { tag, start, end, next: end };
  let length = first;
  if (first > 0x80) {
    start += first - 0x80;
    length = bytes.subarray(at + 2, start).reduce((sum, byte) => sum * 256 + byte, 0);
  }
  const stop = start + length;
  return stop > end ? undefined : { tag, start, end: stop, next: stop };
}

function numberIn(bytes: Uint8Array, { start, end }: Element): number {
  return bytes.subarray(start, end).reduce((sum, byte) => sum * 256 + byte, 0);
}
