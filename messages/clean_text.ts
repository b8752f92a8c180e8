/** Makes texts from outside fit to be shown: no control characters, no broken ones, never endless. */

/** UTF-16 units of the longest text of each kind; transports cut further, to their own limits. */
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

/** Which text it is. A body and a template's own fields may have lines. */
export type TextKind = keyof typeof MAX_LENGTH;

/** The text as it can be shown, or nothing where nothing is left of it. */
export function cleanText(text: string, kind: TextKind): string | undefined {
  const max = MAX_LENGTH[kind];
  // Whatever is cut off need not be looked at, however long it is.
  const start = text.slice(0, 4 * max).toWellFormed().replace(/\r\n?|[\u2028\u2029]/g, "\n");
  const shown = kind === "body" || kind === "extra"
    ? start.replaceAll("\t", " ").replace(/[^\P{Cc}\n]/gu, "").replace(/\s*\n\s*/g, "\n")
    : start.replace(/[\n\t]+/g, " ").replace(/\p{Cc}/gu, "");
  const clean = shown.trim();
  if (clean === "") return undefined;
  return clean.length <= max ? clean : `${clean.slice(0, max - 1).trimEnd()}…`.toWellFormed();
}
