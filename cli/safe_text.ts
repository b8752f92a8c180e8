/**
 * Makes text from outside harmless on a terminal. Control characters could move the cursor, set the
 * window's title or type commands; bidirectional overrides could make a line read as another one
 * (CVE-2021-42574). Both are shown as escapes instead.
 */

/**
 * C0 and C1 controls and DEL; marks, embeddings, overrides and isolates of the bidirectional
 * algorithm (UAX #9); separators of lines; characters without a width; tags.
 */
const UNSAFE =
  // deno-lint-ignore no-control-regex -- these are what it is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\u{e0000}-\u{e007f}]|[\ud800-\udfff]/gu;

/** One line of text, every unsafe character shown as `\u{…}`. */
export function safeLine(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** Text of several lines; line breaks stay, everything else is as in {@link safeLine}. */
export function safeText(text: string): string {
  return text.split("\n").map(safeLine).join("\n");
}

/** JSON whose unsafe characters are escaped, so that it parses to the same value. */
export function safeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return text.split("\n").map((line) =>
    line.replace(
      UNSAFE,
      (found) =>
        Array.from({ length: found.length }, (_, at) =>
          `\\u${found.charCodeAt(at).toString(16).padStart(4, "0")}`).join(""),
    )
  ).join("\n");
}

function escaped(found: string): string {
  return `\\u{${found.codePointAt(0)!.toString(16)}}`;
}
