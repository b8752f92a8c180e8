/**
 * JSON texts as no serializer writes them, for property tests: white space between any two tokens,
 * numbers and escapes in every spelling, names that come twice, halves of surrogate pairs.
 */

import fc from "fast-check";

/** White space as JSON has it; mostly none. */
export const spaceText = fc.oneof(
  { weight: 4, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 }),
  },
);

/** Numbers that do not survive being parsed and written again, among others. */
const numberText = fc.oneof(
  fc.constantFrom("0", "-0", "12345678901234567890", "1e400", "1E+5", "-1.50", "0.10e-07", "1.0"),
  fc.double({ noDefaultInfinity: true, noNaN: true }).map((number) => JSON.stringify(number)),
  fc.integer().map(String),
);

/**
 * Characters that a reader may take for others: whose low byte is a quote, a backslash, a bracket
 * or white space; halves of surrogate pairs; and what is syntax outside a string.
 */
export const ODD_CHARACTERS = [
  ..."\u0122\u015c\u017d\u015b\u0120\u010a\u2028\u00a0\ufeff\u007f\u0080\u00ff\u{1f514}",
  ...["\ud83d", "\udd14"],
  ..."{}[],: /",
];

const ESCAPES = ['\\"', "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]
  .concat("\\u0000", "\\u0022", "\\u005C", "\\uD83D", "\\udd14", "\\ud83d\\uDD14");

/** JSON strings with all kinds of escapes. */
export const stringText = fc.array(
  fc.oneof(fc.string({ maxLength: 5 }).map(inside), fc.constantFrom(...ODD_CHARACTERS, ...ESCAPES)),
  { maxLength: 5 },
).map((parts) => `"${parts.join("")}"`);

const nameText = fc.oneof(
  stringText,
  fc.constantFrom('"a"', '"__proto__"', '"constructor"', '"toString"'),
);

/** The text between two pieces, with white space around each. */
export function spaced(pieces: readonly string[]): fc.Arbitrary<string> {
  return fc.array(spaceText, { minLength: pieces.length, maxLength: pieces.length })
    .map((spaces) => pieces.map((piece, at) => piece + spaces[at]).join(""));
}

const { value, object } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.oneof(fc.constantFrom("true", "false", "null"), numberText, stringText),
    tie("list"),
    tie("object"),
  ),
  list: fc.array(tie("value"), { maxLength: 4 })
    .chain((items) => spaced(["[", ...separated(items.map((item) => [item])), "]"])),
  object: fc.array(fc.tuple(nameText, tie("value")), { maxLength: 4 })
    .chain((members) =>
      spaced(["{", ...separated(members.map(([name, value]) => [name, ":", value])), "}"])
    ),
}));

/** A JSON text of any kind. */
export const jsonText = value;
/** A JSON text that is an object. */
export const objectText = object;

/** One change of a text at a place; see {@link edited}. */
interface Edit {
  readonly at: number;
  readonly removed: number;
  readonly inserted: string;
}

const SYNTAX = [...'{}[],:"\\/ \n\t01.-+eEtfnulx\u0000\u001f', "true", "null", "{}", "[]", "\\u"];

/** A few characters inserted, removed or replaced. */
export const edits: fc.Arbitrary<readonly Edit[]> = fc.array(
  fc.record({
    at: fc.nat(),
    removed: fc.nat(2),
    inserted: fc.oneof(fc.constant(""), fc.constantFrom(...SYNTAX, ...ODD_CHARACTERS)),
  }),
  { minLength: 1, maxLength: 3 },
);

/** A text after changes, one after the other; a place behind its end is one within it. */
export function edited(text: string, changes: readonly Edit[]): string {
  return changes.reduce((text, { at, removed, inserted }) => {
    const from = at % (text.length + 1);
    return text.slice(0, from) + inserted + text.slice(from + removed);
  }, text);
}

/** Pieces with commas in between. */
export function separated(all: readonly (readonly string[])[]): readonly string[] {
  return all.flatMap((pieces, at) => at > 0 ? [",", ...pieces] : pieces);
}

function inside(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
