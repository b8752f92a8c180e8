import assert from "node:assert/strict";
import { cleanText } from "../../messages/clean_text.ts";

/** Removed from every text, and keeps a text from being taken as it is. */
const BELL = "\u0007";
const PARTS = ["a", "b c", " ", "\n", "\t", "~", "\u007f", "é"];

/** Yields every text of up to `count` parts. */
function* textsOf(count: number): Generator<string> {
  yield "";
  if (count === 0) return;
  for (const rest of textsOf(count - 1)) for (const part of PARTS) yield part + rest;
}

for (const kind of ["title", "body"] as const) {
  Deno.test(`a plain ${kind} is what it would be if it were cleaned`, () => {
    for (const text of textsOf(4)) {
      const cleaned = cleanText(`${text}${BELL}`, kind);
      assert.equal(cleanText(text, kind), cleaned, JSON.stringify(text));
    }
  });
}

Deno.test("a plain text above the limit is shortened", () => {
  assert.equal(cleanText("x".repeat(256), "title"), "x".repeat(256));
  assert.equal(cleanText("x".repeat(257), "title"), `${"x".repeat(255)}…`);
});
