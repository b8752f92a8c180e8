/**
 * How often a PKCS#12 keystore wants its password hashed, read from its structure before anything
 * is hashed: the counts are whatever its maker wrote, and a billion would hold up the process. What
 * is inside an encrypted part is not seen.
 */

const INTEGER = 0x02;
const OCTET_STRING = 0x04;
const CONSTRUCTED = 0x20;
const MAX_DEPTH = 32;

interface Element {
  readonly tag: number;
  readonly start: number;
  /** Behind its content. */
  readonly end: number;
  /** Where the next one begins. */
  readonly next: number;
}

/**
 * The sum of all counts. Each is an INTEGER behind the OCTET STRING of a salt, in the MAC (RFC 7292
 * §4), in the parameters of PKCS#12's own ciphers (§C) and in those of PBKDF2 (RFC 8018 §A.2).
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
      // Parts of a keystore are OCTET STRINGS with further structure in them.
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
  // Of indefinite length (X.690 §8.1.3.6): to its end for all that is known, and the two zeros at
  // its real end are an element as well.
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
