/**
 * Properties documents that are made by chance from what is difficult in the format: separators,
 * blanks, line ends of all kinds, comments, continuations, escapes, right and broken. The same number
 * gives the same document for ever, since a fixture holds Java's answers to some of them.
 */

import { seeded } from "../support/seeded.ts";

/** Documents that the test compares. */
export const DOCUMENTS = 5_000;
/** The first of them are in the fixture. */
export const RECORDED = 400;

const PIECES = [
  ..."=: \t\f\n\r#!\\",
  "\r\n",
  "\n",
  "\n",
  "=",
  "=",
  "\\\n",
  "\\\r\n",
  "\\\\",
  "\\\\\n",
  "\\t\\n\\f\\r",
  "\\u00e4",
  "\\u003D",
  "\\uD83D\\uDE00",
  "\\u12",
  "\\uzzzz",
  "\\:",
  "\\ ",
  "\\#",
  "key",
  "value",
  "com.openexchange.mail.x",
  "a=b",
  "c : d",
  "e f",
  "  # no comment after a continuation",
  "ä",
  "ÿ",
  "\u0000",
  "😀",
];

/** The document of a number. */
export function propertyDocument(number: number): string {
  const roll = seeded(number + 1);
  for (let warmUp = 0; warmUp < 3; warmUp++) roll();
  const length = 1 + Math.floor(roll() * 30);
  return Array.from({ length }, () => {
    const piece = PIECES[Math.floor(roll() * PIECES.length)]!;
    // Broken escapes make Java refuse the whole document, so most documents are without.
    return piece.startsWith("\\u") && !/^\\u[0-9A-Fa-f]{4}/.test(piece) && roll() < 0.8
      ? "x"
      : piece;
  }).join("");
}
