/**
 * Decodes Huffman-coded header texts (RFC 7541, appendix B). The code is canonical, so the lengths
 * of its 257 codes define it. A table built from them decodes four bits at a time.
 */

/** Length in bits of the code of each byte, and of the end mark (256). */
const LENGTHS = `
  13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
  6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
  13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
  20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
  22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
  26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
  20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
  30
`.trim().split(/\s+/).map(Number);

const END = 256;
/** The states are the inner nodes of the code's tree: one fewer than codes. */
const STATES = 256;
const FAILED = 0xffff;
const NO_BYTE = 0xffff;

/** By state and four bits: the state after them. */
const NEXT = new Uint16Array(STATES * 16);
/**
 * By state and four bits: the byte that they complete. Every code has at least five bits, so it is
 * at most one.
 */
const EMITTED = new Uint16Array(STATES * 16).fill(NO_BYTE);
/** Whether a text may end in a state: after at most seven bits of padding, all ones. */
const MAY_END = new Uint8Array(STATES);
fillTables();

/**
 * Decodes a text; each character of the result is a byte.
 *
 * @returns undefined for an invalid end or an end mark within the text.
 */
export function decodeHuffman(bytes: Uint8Array): string | undefined {
  let state = 0;
  let text = "";
  for (const byte of bytes) {
    for (let shift = 4; shift >= 0; shift -= 4) {
      const entry = state * 16 + ((byte >> shift) & 15);
      const emitted = EMITTED[entry]!;
      if (emitted !== NO_BYTE) text += String.fromCharCode(emitted);
      state = NEXT[entry]!;
      if (state === FAILED) return undefined;
    }
  }
  return MAY_END[state] === 1 ? text : undefined;
}

function fillTables(): void {
  // Children of each inner node: another node (0 or more), or a leaf (-1 - symbol).
  const children: [number, number][] = [[0, 0]];
  const symbols = LENGTHS.map((_, symbol) => symbol)
    .sort((a, b) => LENGTHS[a]! - LENGTHS[b]! || a - b);
  let code = 0;
  let length = LENGTHS[symbols[0]!]!;
  for (const symbol of symbols) {
    code *= 2 ** (LENGTHS[symbol]! - length);
    length = LENGTHS[symbol]!;
    let node = 0;
    for (let bit = length - 1; bit > 0; bit--) {
      const side = Math.floor(code / 2 ** bit) % 2 as 0 | 1;
      if (children[node]![side] === 0) children[node]![side] = children.push([0, 0]) - 1;
      node = children[node]![side];
    }
    children[node]![code % 2 as 0 | 1] = -1 - symbol;
    code++;
  }
  for (let state = 0; state < STATES; state++) {
    for (let bits = 0; bits < 16; bits++) fillEntry(children, { state, bits });
  }
  for (let node = 0, depth = 0; depth < 8; depth++) {
    MAY_END[node] = 1;
    node = children[node]![1];
  }
}

function fillEntry(
  children: readonly (readonly [number, number])[],
  { state, bits }: { readonly state: number; readonly bits: number },
): void {
  let node = state;
  for (let shift = 3; shift >= 0; shift--) {
    node = children[node]![((bits >> shift) & 1) as 0 | 1];
    if (node >= 0) continue;
    const symbol = -1 - node;
    if (symbol === END) {
      NEXT[state * 16 + bits] = FAILED;
      return;
    }
    EMITTED[state * 16 + bits] = symbol;
    node = 0;
  }
  NEXT[state * 16 + bits] = node;
}
