/** Prepares texts for display: no control characters, valid Unicode, bounded length. */

/** The most UTF-16 units per kind of text; transports shorten further to their own limits. */
const MAX_LENGTH = {
  title: 256,
  body: 2048,
  sound: 128,
  thread: 256,
  category: 128,
  collapseKey: 256,
  link: 2048,
  icon: 2048,
  extra: 2048,
} as const;

/** The kind of text. Bodies and a template's own fields may have several lines. */
type TextKind = keyof typeof MAX_LENGTH;

/** Returns the text for display, or `undefined` where nothing is left. */
export function cleanText(text: string | undefined, kind: TextKind): string | undefined {
  if (text === undefined) return undefined;
  const max = MAX_LENGTH[kind];
  if (text.length <= max && isClean(text, kind === "body" || kind === "extra")) return text;
  // Characters beyond this cannot reach the result, so skip them.
  const start = text.slice(0, 4 * max).toWellFormed().replace(/\r\n?|[\u2028\u2029]/g, "\n");
  const shown = kind === "body" || kind === "extra"
    ? start.replaceAll("\t", " ").replace(/[^\P{Cc}\n]/gu, "").replace(/\s*\n\s*/g, "\n")
    : start.replace(/[\n\t]+/g, " ").replace(/\p{Cc}/gu, "");
  const clean = shown.trim();
  if (clean === "") return undefined;
  return clean.length <= max ? clean : `${clean.slice(0, max - 1).trimEnd()}…`.toWellFormed();
}

/** Whether a text is plain ASCII without anything to clean, as most are. */
function isClean(text: string, mayHaveLines: boolean): boolean {
  let wasSpace = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isBreak = code === 10;
    if (code > 0x7e || (code < 0x20 && !(isBreak && mayHaveLines))) return false;
    // Spaces at either end of a line are removed, and so are empty lines.
    if (isBreak ? wasSpace : code === 32 && isLineStart(text, at)) return false;
    wasSpace = isBreak || code === 32;
  }
  return !wasSpace;
}

function isLineStart(text: string, at: number): boolean {
  return at === 0 || text.charCodeAt(at - 1) === 10;
}
